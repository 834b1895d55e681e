/**
 * Credentials out of text. Tokens travel in URLs (`?token=`) here, so every URL that is logged,
 * shown or put into an event goes through {@link redactUrl} first.
 */

const SECRET_PARAMETERS =
  /([?&#;](?:token|key_token|api_key|apikey|signature|sign-in)=)[^&#;\s"'<>]*/gi
const USER_INFO = /(\b[a-z][a-z0-9+.-]*:\/\/)[^/?#\s@]*@/gi
/** `Basic …` and `Bearer …`, and the base64 of MediaLive's user name. */
const SCHEME_LIKE = /\b(Basic|Bearer)(?:\s|%20|\+)+[A-Za-z0-9+/_.~%=-]{8,}/gi
const MOMENTO_PASSWORD = /bW9tZW50bzp[A-Za-z0-9+/_-]{4,}={0,2}/g
const JWT_LIKE = /eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+){0,2}(?:={0,2})/g

/** The same URL with the values of credential parameters and any `user:password@` replaced. */
export function redactUrl(url: string): string {
  return url.replace(SECRET_PARAMETERS, '$1[redacted]').replace(USER_INFO, '$1[redacted]@')
}

/**
 * All of {@link redactText} but `user:password@`, in time proportional to the length whatever the text:
 * for the bodies of strangers.
 */
export function redactSecrets(text: string): string {
  return text
    .replace(SECRET_PARAMETERS, '$1[redacted]')
    .replace(SCHEME_LIKE, '$1 [redacted]')
    .replace(MOMENTO_PASSWORD, '[redacted]')
    .replace(JWT_LIKE, '[redacted]')
}

/** Free text: {@link redactUrl}, then anything that looks like a JWT, a v1 key wrapper or `Authorization`. */
export function redactText(text: string): string {
  return redactUrl(text)
    .replace(SCHEME_LIKE, '$1 [redacted]')
    .replace(MOMENTO_PASSWORD, '[redacted]')
    .replace(JWT_LIKE, '[redacted]')
}
