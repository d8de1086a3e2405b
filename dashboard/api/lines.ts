// An answer that goes on, line by line: watches as tables, logs, what passes in the control plane. A browser keeps no more than six such
// requests open to one place, so each user of it has one at a time.

export async function* lines(response: Response): AsyncGenerator<string> {
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) break
    const parts = (rest + value).split('\n')
    rest = parts.pop()!
    for (const part of parts) if (part !== '') yield part
  }
  if (rest !== '') yield rest
}
