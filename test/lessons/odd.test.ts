// The lessons of odd numbers; in two files, so that they are played beside each other.

import { playLessons } from './played.ts'

playLessons(({ number }) => number % 2 === 1)
