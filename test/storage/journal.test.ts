import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { Level } from 'level'
import { describe, expect, test } from 'vitest'
import { JournalError, MemoryJournal } from '../../apiserver/storage/journal.ts'
import { LevelJournal } from '../../apiserver/storage/level-journal.ts'
import { entry, journalContract } from '../contracts/journal.ts'
import { dataDirectory } from './data-directory.ts'

journalContract('the memory journal', async () => {
  const journal = new MemoryJournal()
  return { open: async () => journal }
})

journalContract('the LevelDB journal', async () => {
  const directory = dataDirectory()
  return { open: () => LevelJournal.open(directory) }
})

journalContract('the LevelDB journal without fsync', async () => {
  const directory = dataDirectory()
  return { open: () => LevelJournal.open(directory, { fsync: false }) }
})

/** The user sees the message alone: it must be one line, and name the directory. */
async function refusal(directory: string): Promise<string> {
  const error = await LevelJournal.open(directory).then(
    async journal => {
      await journal.close()
      throw new Error('it was opened')
    },
    (error: Error) => error,
  )
  expect(error).toBeInstanceOf(JournalError)
  expect(error.message).toContain(directory)
  expect(error.message).not.toContain('\n')
  return error.message
}

describe('a data directory', () => {
  test('in use by another kubesim is refused', async () => {
    const directory = dataDirectory()
    const program = `import { Level } from ${JSON.stringify(import.meta.resolve('level'))}
      await new Level(${JSON.stringify(directory)}).open()
      console.log('open')
      process.stdin.resume().on('end', () => process.exit())`
    const other = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    await once(other.stdout, 'data')
    expect(await refusal(directory)).toBe(`the data directory ${directory} is in use by another kubesim`)
    other.stdin.end()
    await once(other, 'exit')
    await (await LevelJournal.open(directory)).close()
  })

  test('written by a newer version is refused', async () => {
    const directory = dataDirectory()
    await (await LevelJournal.open(directory)).close()
    const database = new Level<string, string>(directory)
    await database.put('meta/format', '2')
    await database.close()
    expect(await refusal(directory)).toBe(
      `the data directory ${directory} was written by a newer version of kubesim (format 2; this one knows 1)`,
    )
  })

  test('of some other program is refused, and left as it is', async () => {
    const directory = dataDirectory()
    const database = new Level<string, string>(directory)
    await database.put('theirs', 'precious')
    await database.close()
    expect(await refusal(directory)).toContain('is a database, but not one of')
    await database.open()
    expect(await database.keys().all()).toEqual(['theirs'])
    await database.close()
  })

  test('that is a file is refused', async () => {
    const directory = dataDirectory()
    mkdirSync(dirname(directory), { recursive: true })
    writeFileSync(directory, '')
    expect(await refusal(directory)).toContain('cannot be opened')
  })

  test('of which a table file is gone is refused', async () => {
    const directory = dataDirectory()
    const journal = await LevelJournal.open(directory)
    await journal.append([entry(2, 'ADDED', 'a', 2)])
    await journal.close()
    // Opening again moves what stood in the log file to a table.
    await (await LevelJournal.open(directory)).close()
    const tables = readdirSync(directory).filter(file => file.endsWith('.ldb'))
    expect(tables.length).toBeGreaterThan(0)
    for (const table of tables) writeFileSync(join(directory, table), '')
    await expect(LevelJournal.open(directory).then(again => again.load())).rejects.toThrow()
  })

  test('that lost an event its present points to says so', async () => {
    const directory = dataDirectory()
    const journal = await LevelJournal.open(directory)
    await journal.append([entry(2, 'ADDED', 'a', 2), entry(3, 'ADDED', 'b', 3)])
    await journal.close()
    const database = new Level<string, string>(directory)
    const lost = (await database.keys({ gte: 'log/', lt: 'log0' }).all()).find(key => key.endsWith('/a'))!
    await database.del(lost)
    await database.close()
    const again = await LevelJournal.open(directory)
    await expect(again.load()).rejects.toThrow(/is damaged: it has lost .*\/a at revision 2/)
    await again.close()
  })

  test('keeps each object once, in the log, and only pointers besides', async () => {
    const directory = dataDirectory()
    const journal = await LevelJournal.open(directory)
    await journal.append([entry(2, 'ADDED', 'a', 2), entry(3, 'MODIFIED', 'a', 2)])
    await journal.close()
    const database = new Level<string, string>(directory)
    expect(await database.iterator().all()).toEqual([
      ['log/0000000000000002A0000000000000002/registry/core/configmaps/default/a', 'a@2'],
      ['log/0000000000000003M0000000000000002/registry/core/configmaps/default/a', 'a@3'],
      ['meta/format', '1'],
      ['now/registry/core/configmaps/default/a', '3'],
    ])
    await database.close()
  })
})

describe('a batch that failed', () => {
  /** The next batch is written, and then LevelDB says that it was not: a sync that failed leaves it so. */
  async function failNextBatchAfterWriting(): Promise<void> {
    const other = new ClassicLevel(dataDirectory())
    await other.open()
    const prototype = Object.getPrototypeOf(other.batch()) as { _write(options: object): Promise<void> }
    await other.close()
    const { _write } = prototype
    prototype._write = async function (options) {
      prototype._write = _write
      await _write.call(this, options)
      throw new Error('Input/output error')
    }
  }

  test('and yet reached the disk is undone before the next', async () => {
    const directory = dataDirectory()
    const journal = await LevelJournal.open(directory)
    await journal.append([entry(2, 'ADDED', 'a', 2), entry(3, 'ADDED', 'b', 3), entry(4, 'MODIFIED', 'a', 2)])
    await failNextBatchAfterWriting()
    const failed = journal.append([
      entry(5, 'MODIFIED', 'a', 2),
      entry(6, 'DELETED', 'b', 3),
      entry(7, 'ADDED', 'c', 7),
      entry(8, 'DELETED', 'a', 2),
    ])
    await expect(failed).rejects.toThrow('Input/output error')
    await expect(journal.forget(3, [])).rejects.toThrow('is being recovered')
    await journal.append([entry(5, 'ADDED', 'd', 5)])
    await journal.forget(2, [])
    await journal.close()
    const again = await LevelJournal.open(directory)
    const { revision, now, log } = await again.load()
    expect(revision).toBe(5)
    expect(log.map(({ revision, key }) => `${revision} ${key.at(-1)}`)).toEqual(['2 a', '3 b', '4 a', '5 d'])
    expect(now.map(({ revision, key }) => `${revision} ${key.at(-1)}`).sort()).toEqual(['3 b', '4 a', '5 d'])
    await again.close()
  })
})
