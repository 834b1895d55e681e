/** Answers whose `Date` is that of another clock than the machine's, which node would put in. */

import { ServerResponse } from 'node:http'
import type { Clock } from '../base/clock.ts'
import { formatHttpDate } from '../base/dates.ts'

/** For `createServer`. An answer that says its own date, or wants none, keeps it so. */
export function responsesDatedBy(clock: Pick<Clock, 'nowMs'>): typeof ServerResponse {
  return class DatedResponse extends ServerResponse {
    /** Every head goes through here, those that node makes by itself, too. */
    override writeHead(statusCode: number, ...rest: unknown[]): this {
      if (this.sendDate && !this.headersSent) {
        this.sendDate = false
        this.setHeader('Date', formatHttpDate(clock.nowMs()))
      }
      // As it was called: node tells the forms apart by their types.
      return super.writeHead(statusCode, ...(rest as [string]))
    }
  } as typeof ServerResponse // Its only change is above; the generic parameter is lost by `extends`.
}
