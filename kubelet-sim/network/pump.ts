// Bytes between a real socket and a connection of the simulation, each way as fast as the slower side takes them.

import type net from 'node:net'
import type { Duplex } from './duplex.ts'

/** A connection that could not be made, or that broke off, is one that is reset. */
export async function pump(socket: net.Socket, opening: Promise<Duplex>): Promise<void> {
  let there: Duplex
  try {
    there = await opening
  } catch {
    socket.resetAndDestroy()
    return
  }
  socket.once('close', () => there.close())
  if (socket.destroyed) return there.close()
  await Promise.all([outward(socket, there), inward(socket, there)])
}

async function outward(socket: net.Socket, there: Duplex): Promise<void> {
  try {
    for await (const chunk of socket) await there.write(chunk as Buffer)
    there.end()
  } catch {
    // The other direction says what became of it.
  }
}

async function inward(socket: net.Socket, there: Duplex): Promise<void> {
  try {
    for (;;) {
      const bytes = await there.read()
      if (bytes === undefined) break
      if (!socket.write(bytes)) await drained(socket)
    }
    socket.end()
  } catch {
    socket.resetAndDestroy()
  }
}

function drained(socket: net.Socket): Promise<void> {
  return new Promise(resolve => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.once('drain', done)
    socket.once('close', done)
  })
}
