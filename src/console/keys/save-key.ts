/** Saves a new key as the file that Momento's console gives. */

import type { KeyInfo } from '../api/steer-types.ts'
import { downloadText } from '../ui/download.ts'
import { KEY_FILE_NAME, formatKeyInfo } from './key-file.ts'

export function downloadKeyInfo(keyInfo: KeyInfo): void {
  downloadText(KEY_FILE_NAME, formatKeyInfo(keyInfo))
}
