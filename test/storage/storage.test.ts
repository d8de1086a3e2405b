import { MemoryJournal } from '../../apiserver/storage/journal.ts'
import { LevelJournal } from '../../apiserver/storage/level-journal.ts'
import { storageContract } from '../contracts/storage.ts'
import { dataDirectory } from './data-directory.ts'

storageContract('the store upon the memory journal', async () => {
  const journal = new MemoryJournal()
  return async () => journal
})

storageContract('the store upon LevelDB', async () => {
  const directory = dataDirectory()
  return () => LevelJournal.open(directory)
})

storageContract('the store upon LevelDB without fsync', async () => {
  const directory = dataDirectory()
  return () => LevelJournal.open(directory, { fsync: false })
})
