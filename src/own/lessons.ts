// /kubesim/v1alpha1/lessons: the lessons of docs/lessons/ for the dashboard's page. Which command runs is said by its place in the
// lesson. Called by own-paths.ts.

import type { OwnRequest } from '../../apiserver/http/own-requests.ts'
import { badRequest, methodNotAllowed } from '../api/errors.ts'
import type { Classroom } from '../lessons/classroom.ts'

type Body = Readonly<Record<string, unknown>>

/** `rest` is what follows `lessons` in the path. Undefined where there is nothing. Throws ApiError. */
export async function lessonsPath(
  classroom: Classroom,
  rest: readonly string[],
  { method, body }: OwnRequest,
): Promise<object | undefined> {
  const [word, verb, ...more] = rest
  if (more.length > 0) return undefined
  const number = Number(word)
  const given = body as Body
  const act = verb === undefined ? undefined : acting[verb]
  if (verb !== undefined && act === undefined) return undefined
  const wanted = act === undefined ? 'GET' : 'POST'
  if (method !== wanted) throw methodNotAllowed(`${method} of ${rest.join('/')}: it takes ${wanted}`)
  if (word === undefined) return { kind: 'LessonList', apiVersion, items: classroom.list() }
  return { apiVersion, ...(await (act ?? page)(classroom, number, given)) }
}

const apiVersion = 'kubesim.dev/v1alpha1'

type Act = (classroom: Classroom, lesson: number, body: Body) => Promise<object>

const page: Act = async (classroom, lesson) => ({ kind: 'Lesson', ...(await classroom.page(lesson)) })

const acting: Readonly<Record<string, Act>> = {
  start: async (classroom, lesson) => ({ kind: 'LessonPlaying', ...(await classroom.start(lesson)) }),
  async end(classroom, lesson) {
    await classroom.end(lesson)
    return { kind: 'LessonEnded' }
  },
  async run(classroom, lesson, body) {
    const seat = await classroom.seat(lesson)
    const ran = await seat.run(place(body, 'step'), place(body, 'part'), place(body, 'command'))
    return { kind: 'LessonCommand', ...ran }
  },
  async check(classroom, lesson, body) {
    const { answer = '' } = body
    if (typeof answer !== 'string') throw badRequest('"answer" is a text')
    const seat = await classroom.seat(lesson)
    return { kind: 'LessonVerdict', ...(await seat.check(place(body, 'question'), answer)) }
  },
  async solve(classroom, lesson, body) {
    const seat = await classroom.seat(lesson)
    return { kind: 'LessonSolution', ...(await seat.solve(place(body, 'question'))) }
  },
}

function place(body: Body, name: string): number {
  const value = body[name]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw badRequest(`"${name}" is a number, counted from 0`)
  return value
}
