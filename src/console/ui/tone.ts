/** What a word or a part means for who looks at it; `tokens.css` has the colours. */

/** `good` all is well; `wait` soon not; `bad` act; `info` worth knowing; `quiet` neither. */
export type Tone = 'good' | 'wait' | 'bad' | 'quiet' | 'info'
