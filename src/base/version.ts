/** This program's version, from its package.json: one place to raise it. */

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

// package.json stands two floors up from here, in the sources and in the build alike.
const { version } = require('../../package.json') as { version: string }

export const VERSION: string = version
