/** A node process whose wall clock is wrong, as a machine's without NTP. What measures intervals is right. */

const PRELOAD = (shiftMs: number) => `
const RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...args) {
    if (args.length === 0) super(RealDate.now() + ${String(shiftMs)})
    else super(...args)
  }
  static now() {
    return RealDate.now() + ${String(shiftMs)}
  }
}
`

/** The environment for such a process; fast when the shift is positive. */
export function shiftedClock(shiftMs: number): Record<string, string> {
  const url = `data:text/javascript,${encodeURIComponent(PRELOAD(shiftMs))}`
  return { NODE_OPTIONS: `--import=${url}` }
}
