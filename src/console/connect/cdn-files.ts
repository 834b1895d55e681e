/** The CDN files of `docker/`, bundled as they are. Loaded when the page Connect is opened. */

import nginx from '../../../docker/cdn/nginx/nginx.conf'
import varnish from '../../../docker/cdn/varnish/default.vcl'
import cloudFront from '../../../docker/cloudfront/distribution.yaml'
import type { CdnFiles } from './cdn-template.ts'

export const CDN_FILES: CdnFiles = { varnish, nginx, cloudFront }
