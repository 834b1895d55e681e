/** The origin behind varnish as docker/cdn/varnish sets it up. */

import t from 'tap'
import { checkCdn } from './support/cdn-checks.ts'
import { checkPlayback } from './support/cdn-playback.ts'

checkCdn(t, 'varnish')
checkPlayback(t, 'varnish')
