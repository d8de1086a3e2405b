import { describe, expect, test } from 'vitest'
import { type Script, understand } from '../../kubelet-sim/command.ts'

const sh = (script: string, env = {}) => understand(['/bin/sh', '-c', script], env)
const shown = (script: Script | undefined) =>
  script === undefined
    ? 'not understood'
    : [
        ...script.lines.map(({ at, text }) => `${at}:${text}`),
        ...(script.loop
          ? [
              `loop from ${script.loop.from} every ${script.loop.period}: ${script.loop.lines.map(line => `${line.at}:${line.text}`).join(' ')}`,
            ]
          : []),
        script.exit ? `exit ${script.exit.code} at ${script.exit.at}` : 'runs on',
      ].join(' | ')

describe('what a command does, told without running it', () => {
  test.each([
    ['sleep 5', 'exit 0 at 5000'],
    ['sleep 5; exit 1', 'exit 1 at 5000'],
    ['sleep 1m 30s', 'exit 0 at 90000'],
    ['sleep infinity', 'runs on'],
    ['echo hello; exit 3; echo never', '0:hello | exit 3 at 0'],
    ['echo "hello   world"', '0:hello   world | exit 0 at 0'],
    ["echo '$HOME'", '0:$HOME | exit 0 at 0'],
    ['echo $NAME $NAME!', '0:ann ann! | exit 0 at 0'],
    ['true && echo yes || echo no', '0:yes | exit 0 at 0'],
    ['false && echo yes || echo no', '0:no | exit 0 at 0'],
    ['false', 'exit 1 at 0'],
    ['false || exit 42', 'exit 42 at 0'],
    ['while true; do echo tick; sleep 2; done', 'loop from 0 every 2000: 0:tick | runs on'],
    [
      'echo start\nsleep 1\nwhile :; do date; sleep 10; echo x; sleep 5; done',
      '0:start | loop from 1000 every 15000: 0:$(date) 10000:x | runs on',
    ],
    ['while true; do sleep 1; exit 7; done', 'exit 7 at 1000'],
    ['echo a # not this; exit 9', '0:a | exit 0 at 0'],
    ['tail -f /dev/null', 'runs on'],
    ['exec sleep 3', 'exit 0 at 3000'],
    ['exit 256', 'exit 0 at 0'],
  ])('%s', (script, expected) => {
    expect(shown(sh(script, { NAME: 'ann' }))).toBe(expected)
  })

  test.each([
    'nginx',
    'ls | wc -l',
    'echo hi > /tmp/x',
    'for i in 1 2; do echo $i; done',
    'echo "open',
    'while true; do echo spin; done',
    'if true; then exit 1; fi',
    'sleep $N',
  ])('not understood, so it runs until stopped: %s', script => {
    expect(sh(script)).toBeUndefined()
  })

  test('without a shell', () => {
    expect(shown(understand(['sleep', '3600'], {}))).toBe('exit 0 at 3600000')
    expect(shown(understand(['sh'], {}))).toBe('exit 0 at 0')
    expect(understand(['python', 'app.py'], {})).toBeUndefined()
    expect(understand([], {})).toBeUndefined()
  })

  test('files that come and go', () => {
    expect(sh('touch /tmp/healthy; sleep 30; rm -f /tmp/healthy; sleep 600')?.files).toEqual([
      { at: 0, path: '/tmp/healthy', present: true },
      { at: 30_000, path: '/tmp/healthy', present: false },
    ])
  })
})
