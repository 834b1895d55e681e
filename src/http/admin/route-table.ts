/**
 * Every route of the admin API in a form that needs no server: tests hold the routes, the OpenAPI
 * text and the console's requests against it.
 */

export interface AdminPath {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** As OpenAPI writes it; a `{key}` at its end may hold slashes. */
  readonly path: string
  /**
   * Who gets through: anybody; whoever administers something; whoever administers the cache that it
   * names; super-users alone.
   */
  readonly needs: 'nothing' | 'admin' | 'cache' | 'super-user'
}

const CACHE = '/api/caches/{name}'
const OBJECT = '/api/caches/{name}/objects/{key}'
const EXACT_OBJECT = '/api/caches/{name}/object'

export const ADMIN_PATHS: readonly AdminPath[] = [
  { method: 'GET', path: '/api/server', needs: 'admin' },
  { method: 'GET', path: '/api/config', needs: 'super-user' },
  { method: 'GET', path: '/api/openapi.json', needs: 'admin' },
  { method: 'GET', path: '/api/caches', needs: 'admin' },
  { method: 'POST', path: '/api/caches', needs: 'super-user' },
  { method: 'GET', path: CACHE, needs: 'cache' },
  { method: 'PATCH', path: CACHE, needs: 'cache' },
  { method: 'DELETE', path: CACHE, needs: 'super-user' },
  { method: 'POST', path: '/api/caches/{name}/flush', needs: 'cache' },
  { method: 'GET', path: '/api/caches/{name}/objects', needs: 'cache' },
  { method: 'GET', path: OBJECT, needs: 'cache' },
  { method: 'HEAD', path: OBJECT, needs: 'cache' },
  { method: 'PUT', path: OBJECT, needs: 'cache' },
  { method: 'DELETE', path: OBJECT, needs: 'cache' },
  { method: 'GET', path: EXACT_OBJECT, needs: 'cache' },
  { method: 'HEAD', path: EXACT_OBJECT, needs: 'cache' },
  { method: 'PUT', path: EXACT_OBJECT, needs: 'cache' },
  { method: 'DELETE', path: EXACT_OBJECT, needs: 'cache' },
  { method: 'GET', path: '/api/channels', needs: 'admin' },
  { method: 'GET', path: '/api/channels/{cache}/{key}', needs: 'cache' },
  { method: 'GET', path: '/api/requests/recent', needs: 'admin' },
  { method: 'GET', path: '/api/findings', needs: 'admin' },
  { method: 'GET', path: '/api/metrics/history', needs: 'admin' },
  { method: 'GET', path: '/api/events', needs: 'admin' },
  { method: 'GET', path: '/api/faults', needs: 'super-user' },
  { method: 'POST', path: '/api/faults', needs: 'super-user' },
  { method: 'DELETE', path: '/api/faults', needs: 'super-user' },
  { method: 'GET', path: '/api/faults/events', needs: 'super-user' },
  { method: 'DELETE', path: '/api/faults/{id}', needs: 'super-user' },
  { method: 'GET', path: '/api/scenarios', needs: 'super-user' },
  { method: 'PUT', path: '/api/scenarios/{name}', needs: 'super-user' },
  { method: 'DELETE', path: '/api/scenarios/{name}', needs: 'super-user' },
  { method: 'POST', path: '/api/reset', needs: 'super-user' },
  { method: 'GET', path: '/api/clock', needs: 'super-user' },
  { method: 'POST', path: '/api/clock', needs: 'super-user' },
  { method: 'GET', path: '/api/recordings', needs: 'super-user' },
  { method: 'POST', path: '/api/recordings', needs: 'super-user' },
  { method: 'DELETE', path: '/api/recordings/{cache}', needs: 'super-user' },
  { method: 'GET', path: '/api/keys', needs: 'super-user' },
  { method: 'POST', path: '/api/keys', needs: 'super-user' },
  { method: 'POST', path: '/api/keys/import', needs: 'super-user' },
  { method: 'GET', path: '/api/keys/{keyId}', needs: 'super-user' },
  { method: 'DELETE', path: '/api/keys/{keyId}', needs: 'super-user' },
  { method: 'POST', path: '/api/keys/disposable', needs: 'cache' },
  { method: 'POST', path: '/api/keys/refresh', needs: 'nothing' },
  { method: 'POST', path: '/api/keys/revoke', needs: 'super-user' },
  { method: 'POST', path: '/api/play-token', needs: 'cache' },
  { method: 'POST', path: '/api/sign-in', needs: 'nothing' },
  { method: 'POST', path: '/api/sign-out', needs: 'admin' },
]
