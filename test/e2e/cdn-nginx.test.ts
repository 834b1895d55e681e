/** The origin behind nginx as docker/cdn/nginx sets it up. */

import t from 'tap'
import { checkCdn } from './support/cdn-checks.ts'
import { checkPlayback } from './support/cdn-playback.ts'
import { checkStreaming } from './support/cdn-streaming.ts'

checkCdn(t, 'nginx')
checkStreaming(t, 'nginx')
checkPlayback(t, 'nginx')
