/**
 * Every refusal and miss in a sentence, and what to do about it: the general words, by reason. What
 * depends on the client is added by `refusal-advice.ts`. Sentences for people; the answer's own
 * words are in `refusals.ts`.
 */

import type { RefusalReason } from './refusals.ts'

export interface RefusalWords {
  /** What happened, with a full stop. */
  readonly sentence: string
  /** What to do, sentences. */
  readonly advice: string
}

const MAKE_KEY = 'Make a new one, and give it to the client.'
const TRY_AGAIN = 'It may be asked for again at once.'

export const REFUSAL_WORDS: Readonly<Record<RefusalReason, RefusalWords>> = {
  'credential-missing': {
    sentence: 'No key came with the request.',
    advice:
      'Send it as Authorization, as the password of Basic, or as ?token=. Behind a CDN, see that it passes the header or the query on.',
  },
  'credential-malformed': {
    sentence: 'This is not a key of this server: cut short, or changed on the way.',
    advice: 'Compare it with the one that was handed out; quote it in shells.',
  },
  'credential-unknown': {
    sentence: 'This is not a key of this server: it was made elsewhere.',
    advice: 'Make one here, or import the one that the client has.',
  },
  'credential-expired': { sentence: 'The key has expired.', advice: MAKE_KEY },
  'credential-revoked': { sentence: 'The key was revoked.', advice: MAKE_KEY },
  'credential-throttled': {
    sentence: 'Too many unknown keys came from this address.',
    advice:
      'Find the client that repeats a wrong key. Behind a proxy, name it in http.trustedProxies, so that its clients count apart.',
  },
  'credential-both': {
    sentence: 'Two keys came: in the query and in the header.',
    advice: 'Send one, or set emulation.bothCredentials to either.',
  },
  'cache-name-invalid': {
    sentence: 'This is no name of a cache.',
    advice: 'A name is 1 to 255 of A-Z a-z 0-9 . _ -',
  },
  'key-missing': {
    sentence: 'The request names no object.',
    advice: 'Name it: /cache/<name>/<key>, ?key= or ?key_base64=',
  },
  'key-ambiguous': {
    sentence: 'The request names its object twice.',
    advice: 'Name it once: /cache/<name>/<key>, ?key= or ?key_base64=',
  },
  'key-encoding': {
    sentence: 'The name of the object is not encoded as it should be.',
    advice: 'Percent-encode it once, or use base64url for key_base64.',
  },
  'key-too-long': {
    sentence: 'The name of the object is longer than 1024 bytes.',
    advice: 'Shorten it.',
  },
  'ttl-missing': {
    sentence: 'ttl_seconds is missing.',
    advice: 'Put ?ttl_seconds=3600 behind every name.',
  },
  'ttl-invalid': {
    sentence: 'ttl_seconds is not a number of seconds that this server takes.',
    advice: 'Use whole seconds, at least 1 and at most limits.ttlSecondsMax.',
  },
  'directive-invalid': {
    sentence: 'A delivery directive (_HLS_msn, _HLS_part) is no whole number, or is given twice.',
    advice: 'See what between the player and this server changes the query.',
  },
  'part-without-msn': {
    sentence: 'The request has _HLS_part without _HLS_msn.',
    advice: 'See what between the player and this server changes the query.',
  },
  'reload-too-far': {
    sentence: 'The player asked for a segment far ahead of the live edge.',
    advice:
      'A playlist that a CDN kept too long, or an encoder that started again with lower numbers: let the player load the playlist anew.',
  },
  'permission-denied': {
    sentence: 'The key is valid, but not for this.',
    advice: 'Use a key for this cache and object, with a role that allows it.',
  },
  'cache-not-found': {
    sentence: 'There is no such cache.',
    advice: 'Make it, correct its name in the URL, or set caches.autoCreate.',
  },
  'key-not-found': {
    sentence: 'Nothing is stored under this name.',
    advice:
      'It was never pushed, its TTL has passed, or it was deleted. Compare the name with what the encoder pushes, and the TTL with the length of the playlist.',
  },
  stale: {
    sentence: 'The live playlist is stale.',
    advice:
      'See whether the encoder still runs and reaches this server. The cache answers so by its setting staleAfterTargetDurations.',
  },
  'method-not-allowed': {
    sentence: 'Objects do not know this method.',
    advice: 'Let the client use PUT or POST to write, GET to read, DELETE to delete.',
  },
  'length-required': {
    sentence:
      'There was neither Content-Length nor chunked, so the body could not be told from nothing.',
    advice: 'With ffmpeg, leave out chunked_post=0.',
  },
  'transfer-coding': {
    sentence: 'The body came in a transfer coding other than chunked (gzip or deflate, say).',
    advice: 'Let the encoder send it plain: with Content-Length, or chunked.',
  },
  'content-range': {
    sentence:
      "An object was cut into several PUTs with Content-Range, as GStreamer's souphttpclientsink does.",
    advice: 'Use curlhttpsink.',
  },
  'body-empty': {
    sentence: 'The upload had no bytes; nothing was changed.',
    advice:
      'See what the encoder writes. If it only tries whether it may write, set emptyBody of the cache to ignore.',
  },
  'body-too-large': {
    sentence: 'The object is over the size limit of its cache.',
    advice: 'Raise itemSizeBytesMax, or lower the bitrate or the segment length.',
  },
  'body-incomplete': {
    sentence: 'The encoder ended or its connection was cut.',
    advice: 'What was stored before is unchanged.',
  },
  'body-timeout': {
    sentence: 'The upload was silent for too long; nothing was changed.',
    advice: 'See to the network, or raise http.uploadIdleSeconds over the length of a segment.',
  },
  'not-a-playlist': {
    sentence: 'A playlist begins with #EXTM3U, and this did not.',
    advice: 'Segments may go to the name of the playlist: see how the encoder names them.',
  },
  'not-a-manifest': {
    sentence: 'A .mpd begins with <, and this did not.',
    advice: 'See how the encoder names its segments.',
  },
  'playlist-invalid': {
    sentence: 'The playlist breaks a rule of HLS, and its cache is strict.',
    advice: 'See the finding, or set playlistRules of the cache to report.',
  },
  'playlist-leaks-key': {
    sentence:
      'The key of the upload stands in the text of the playlist where it cannot be taken out, and every viewer would get it.',
    advice:
      'Take it out of the names of playlists and segments, and send it as Authorization or as the password of Basic.',
  },
  'gzip-invalid': {
    sentence: 'The playlist came gzip-coded and could not be unpacked within the size limit.',
    advice: 'Let the encoder send playlists plain.',
  },
  'precondition-failed': {
    sentence: 'The object is not the version that the client asked for.',
    advice: 'It was overwritten since: reading it again without the condition gives the new one.',
  },
  'range-not-satisfiable': {
    sentence: 'The range lies outside the object.',
    advice:
      'The object may be shorter than the client thinks: overwritten, or named with a wrong EXT-X-BYTERANGE.',
  },
  'url-too-long': {
    sentence: 'The request target is over the limit.',
    advice: 'Shorten it, or raise http.urlBytesMax.',
  },
  'host-ambiguous': {
    sentence: 'The request has no Host header, or several.',
    advice: 'A client of HTTP/1.1 sends exactly one.',
  },
  'uploads-busy': {
    sentence: 'Too many bytes of unfinished uploads.',
    advice:
      'Raise limits.uploadsInFlightBytesMax if memory allows, or let fewer encoders push here.',
  },
  'fault-injected': {
    sentence: 'A fault of the test rig answered this.',
    advice: 'See headwater fault list; headwater fault clear ends them all.',
  },
  overloaded: {
    sentence: 'The server is overloaded and serves the live edge first.',
    advice: 'Put a CDN in front, or see whether every viewer passes through it.',
  },
  'waiters-busy': {
    sentence: 'As many readers wait for playlists as may.',
    advice: 'Put a CDN in front that collapses requests: it asks once for all of them.',
  },
  'reload-timeout': {
    sentence: 'The encoder did not write within three target durations what was waited for.',
    advice: 'See whether it still runs and reaches this server.',
  },
  'reads-per-second': {
    sentence: 'The cache is over its reads per second.',
    advice:
      'Put a CDN in front, or raise readsPerSecondMax. Playlists and the newest segments are refused last.',
  },
  'read-bytes-per-second': {
    sentence: 'The cache is over its bytes read per second.',
    advice:
      'Put a CDN in front, or raise readBytesPerSecondMax. Playlists and the newest segments are refused last.',
  },
  'writes-per-second': {
    sentence: 'The cache is over its writes per second.',
    advice: 'Raise writesPerSecondMax: encoders do not try again, the object is lost.',
  },
  'write-bytes-per-second': {
    sentence: 'The cache is over its bytes written per second.',
    advice:
      'Raise writeBytesPerSecondMax, or lower the bit rates: encoders do not try again, the object is lost.',
  },
  stopping: {
    sentence: 'The server was stopping.',
    advice: TRY_AGAIN,
  },
  'store-full': {
    sentence: 'The store has no room left.',
    advice:
      'In memory: raise hotStore.sizeBytesMax, or shorten the playlists. On disk: storage.disk.sizeBytesMax. In Valkey: its maxmemory. Lower ttl_seconds wherever it is.',
  },
  'cache-full': {
    sentence: 'The live windows of this cache fill its byte budget.',
    advice: 'Raise its sizeBytesMax, or shorten its playlists.',
  },
  'store-unavailable': {
    sentence: 'The store does not answer.',
    advice: 'See to it; its driver says more in the log.',
  },
  internal: {
    sentence: 'A fault of this server.',
    advice: 'Its log has more; please report it.',
  },
}
