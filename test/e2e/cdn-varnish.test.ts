/** The origin behind varnish as docker/cdn/varnish sets it up. */

import t from 'tap'
import { checkCdn } from './support/cdn-checks.ts'
import { checkPlayback } from './support/cdn-playback.ts'
import { checkStreaming } from './support/cdn-streaming.ts'

checkCdn(t, 'varnish')
checkStreaming(t, 'varnish')
checkPlayback(t, 'varnish')
