// The command `kubesim`. Its verbs are named after minikube's, since that is what people's fingers know. One file a
// subcommand; this one lists them, and turns what they throw into one line and an exit code.

import { Command, CommanderError } from 'commander'
import { version } from '../version.ts'
import { addonsCommand } from './addons.ts'
import { clockCommand } from './clock.ts'
import { componentCommands } from './component.ts'
import { dashboardCommand } from './dashboard.ts'
import { deleteCommand } from './delete.ts'
import { dockerEnvCommand } from './docker-env.ts'
import { imageCommand } from './image.ts'
import { ipCommand } from './ip.ts'
import { kubectlCommand } from './kubectl.ts'
import { lessonCommand } from './lesson.ts'
import { logsCommand } from './logs.ts'
import { nodeCommand } from './node.ts'
import { replayCommand } from './replay.ts'
import { serviceCommand } from './service.ts'
import { branchCommand, exportCommand, importCommand } from './snapshot.ts'
import { startCommand } from './start.ts'
import { statusCommand } from './status.ts'
import { stopCommand } from './stop.ts'
import { testServerCommand } from './test-server.ts'
import { diffCommand, timelineCommand } from './timeline.ts'
import { traceCommand } from './trace.ts'
import { whatIfCommand } from './what-if.ts'
import { whyCommand, whyNotCommand } from './why.ts'

export async function main(words: readonly string[]): Promise<void> {
  const program = new Command('kubesim')
    .description('A local Kubernetes control plane, simulated: real API, fake nodes, no Docker, no VM.')
    .version(version)
    .enablePositionalOptions()
  const commands = [
    startCommand(),
    stopCommand(),
    deleteCommand(),
    statusCommand(),
    dashboardCommand(),
    serviceCommand(),
    ipCommand(),
    imageCommand(),
    nodeCommand(),
    clockCommand(),
    timelineCommand(),
    diffCommand(),
    exportCommand(),
    importCommand(),
    branchCommand(),
    replayCommand(),
    whyCommand(),
    traceCommand(),
    whyNotCommand(),
    whatIfCommand(),
    addonsCommand(),
    kubectlCommand(),
    lessonCommand(),
    logsCommand(),
    dockerEnvCommand(),
    testServerCommand(),
    ...componentCommands(),
  ]
  for (const command of commands) program.addCommand(command)
  for (const command of [program, ...commands, ...commands.flatMap(each => each.commands)]) {
    command.exitOverride()
    command.configureOutput({ outputError: (text, write) => write(`kubesim: ${oneLine(text)}\n`) })
  }
  try {
    await program.parseAsync(words as string[], { from: 'user' })
  } catch (error) {
    process.exitCode = report(error)
  }
}

/** Prints what went wrong in one line, unless commander already has, and gives the exit code. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode
  process.stderr.write(`kubesim: ${oneLine(error instanceof Error ? error.message : String(error))}\n`)
  return 1
}

function oneLine(text: string): string {
  return text
    .replace(/^error: /, '')
    .trim()
    .replace(/\s*\n\s*/g, ' ')
}
