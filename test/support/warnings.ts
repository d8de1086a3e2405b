// What Node warns of while something runs: for tests that nothing is printed on a user's stderr.

export async function warningsDuring(run: () => Promise<void>): Promise<string[]> {
  const told: string[] = []
  const hear = (warning: Error): void => void told.push(`${warning.name}: ${warning.message}`)
  process.on('warning', hear)
  try {
    await run()
    // Warnings are told a turn after they are raised.
    await new Promise(resolve => setImmediate(resolve))
  } finally {
    process.off('warning', hear)
  }
  return told
}
