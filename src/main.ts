#!/usr/bin/env node
/** The process's entry: gives the command line its streams and takes the exit code. Nothing else. */

import { processContext } from './cli/process-context.ts'
import { runCli } from './cli/cli.ts'

process.exitCode = await runCli(processContext())
