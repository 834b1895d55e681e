/** A key that was just made: here, and never again. */

import type { NewKey } from '../api/steer-types.ts'
import { routeHref } from '../app/route.ts'
import { CopyButton } from '../ui/copy-button.tsx'
import { formatDateTime } from '../ui/format-figures.ts'
import { Icon } from '../ui/icons.tsx'
import { Card, PageHead } from '../ui/parts.tsx'
import { KEY_FILE_NAME } from './key-file.ts'
import { downloadKeyInfo } from './save-key.ts'

export function KeyOnce({ made }: { readonly made: NewKey }) {
  const { key, keyInfo } = made
  const validUntil = key.expiresAt === null ? 'never expires' : formatDateTime(key.expiresAt)
  const rows: readonly (readonly [what: string, shown: string, copied: string])[] = [
    ['API key', keyInfo.apiKey, keyInfo.apiKey],
    ['Refresh token', keyInfo.refreshToken, keyInfo.refreshToken],
    ['HTTP endpoint', keyInfo.restEndpoint, keyInfo.restEndpoint],
    ['Valid until', validUntil, String(keyInfo.validUntil)],
  ]
  return (
    <>
      <PageHead title="Your key" lead={<code>{key.keyId}</code>} />
      <div class="banner banner-wait" role="status">
        <Icon name="warning" />
        <p>
          <strong>It is shown once.</strong> Copy it or save the file now: the server keeps no copy.
        </p>
      </div>
      <Card
        title="The key"
        aside={
          <button type="button" class="primary" onClick={() => downloadKeyInfo(keyInfo)}>
            Download {KEY_FILE_NAME}
          </button>
        }
      >
        <dl class="key-once">
          {rows.map(([what, shown, copied]) => (
            <div key={what}>
              <dt>{what}</dt>
              <dd>
                <code>{shown}</code>
                {copied !== '' && <CopyButton text={copied} label={what} />}
              </dd>
            </div>
          ))}
        </dl>
      </Card>
      <div class="wizard-actions">
        <a class="button" href={routeHref('keys')}>
          To the keys
        </a>
        <a class="button" href={routeHref('connect')}>
          To Connect, to paste it into lines
        </a>
      </div>
    </>
  )
}
