/**
 * One owner per directory, by a lock that dies with its process: a socket that the owner listens on.
 * A file with a process id would outlive a kill -9; advisory file locks Node does not have.
 */

import { createHash, randomBytes } from 'node:crypto'
import { readlink, rm, symlink, unlink } from 'node:fs/promises'
import { createServer, createConnection } from 'node:net'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { HeadwaterError } from '../base/errors.ts'
import { systemErrorCode } from '../base/system-error.ts'

/** Longest path of a socket, bytes: 103 on macOS, 107 on Linux. */
const SOCKET_PATH_BYTES_MAX = 100

/** An owner that is busy or stopped may not answer; that it accepts the connection is enough. */
const OWNER_ANSWER_TIMEOUT_MS = 1000

/** How often one start tries again when others come and go meanwhile. */
const ATTEMPTS_MAX = 50

/** What an owner tells about itself. */
export interface LockOwner {
  readonly pid: number
  /** RFC 3339. */
  readonly startedAt: string
}

/** A held lock. */
export interface DirectoryLock {
  /** Where it is listened on. */
  readonly lockPath: string
  /** Gives the directory up. May be called twice. */
  release(): Promise<void>
}

/**
 * Takes a directory, or throws `HW_DATA_DIR_LOCKED` naming the owner.
 *
 * On Unix it is found as `lock.sock` in the directory; in the system's temporary directory (so
 * processes must agree on TMPDIR) where the path is too long for a socket or the file system has
 * none. On Windows it is a named pipe, which the system removes with its process.
 *
 * @param realPath  The directory with links resolved: the same for everybody who means it.
 */
export async function lockDirectory(realPath: string, owner: LockOwner): Promise<DirectoryLock> {
  const hash = shortHash(realPath, 16)
  if (process.platform === 'win32') {
    return lockPipe(`\\\\.\\pipe\\headwater-${hash}`, owner, realPath)
  }

  const inDirectory = join(realPath, 'lock.sock')
  const inTemporary = join(tmpdir(), `headwater-${hash}.sock`)
  if (Buffer.byteLength(siblingPath(inDirectory, 'x')) > SOCKET_PATH_BYTES_MAX) {
    return lockSocket(inTemporary, owner, realPath)
  }
  try {
    return await lockSocket(inDirectory, owner, realPath)
  } catch (error) {
    if (!isWithoutSockets(error)) throw error
    return lockSocket(inTemporary, owner, realPath)
  }
}

/**
 * The protocol on Unix. A socket is bound and listened on under a name of its own, never used twice;
 * then the lock's name becomes a symbolic link to it, which fails when that exists. So the name never
 * stands for a socket that is not listened on yet, "connection refused" always means that its process
 * is gone, and the link's text says which owner it was.
 *
 * A dead owner's link may only be removed by the holder of the lock named after that very owner,
 * after a second look; otherwise two starters could both see a dead one, and the slower would remove
 * the quicker's new link. That second lock is taken by the same protocol, dead holders included.
 */
async function lockSocket(
  path: string,
  owner: LockOwner,
  realPath: string,
): Promise<DirectoryLock> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const lock = await listenUnder(path, owner)
    if (lock !== undefined) return lock

    const seen = await holderOf(path)
    if (seen === undefined) continue
    const answer = await askOwner(join(dirname(path), seen))
    // A holder takes its link away before its socket: a link without a socket is a dead one's.
    const isDead = answer === 'dead' || (answer === 'gone' && (await holderOf(path)) === seen)
    if (!isDead) {
      if (answer === 'gone') continue
      throw lockedError(realPath, answer)
    }

    let claim: DirectoryLock
    try {
      claim = await lockSocket(siblingPath(path, seen), owner, realPath)
    } catch (error) {
      // Somebody else is taking over: by the next look it has the lock, or is dead, too.
      if (!(error instanceof HeadwaterError) || attempt === ATTEMPTS_MAX - 1) throw error
      continue
    }
    try {
      if ((await holderOf(path)) === seen) {
        await unlink(path)
        await rm(join(dirname(path), seen), { force: true })
      }
    } finally {
      await claim.release()
    }
  }
  throw lockedError(realPath, undefined)
}

/** Listens and points the name at it; `undefined` when the name is taken. */
async function listenUnder(path: string, owner: LockOwner): Promise<DirectoryLock | undefined> {
  const socketPath = siblingPath(path, randomBytes(16).toString('hex'))
  const socketName = basename(socketPath)
  const server = await listen(socketPath, owner)
  try {
    await symlink(socketName, path)
  } catch (error) {
    await closeServer(server)
    if (systemErrorCode(error) === 'EEXIST') return undefined
    throw error
  }
  let released: Promise<void> | undefined
  return {
    lockPath: path,
    release: () => (released ??= releaseSocket(server, path, socketName)),
  }
}

/** The link goes first: while it is there, it is answered. Node removes the socket's own name. */
async function releaseSocket(server: Server, path: string, socketName: string): Promise<void> {
  try {
    if ((await holderOf(path)) === socketName) await unlink(path)
  } catch {
    // Ignored: the directory is gone or read-only by now; what stays is taken over as a dead one's.
  }
  await closeServer(server)
}

async function lockPipe(path: string, owner: LockOwner, realPath: string): Promise<DirectoryLock> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    try {
      const server = await listen(path, owner)
      let released: Promise<void> | undefined
      return { lockPath: path, release: () => (released ??= closeServer(server)) }
    } catch (error) {
      if (systemErrorCode(error) !== 'EADDRINUSE') throw error
    }
    const answer = await askOwner(path)
    if (answer !== 'gone' && answer !== 'dead') throw lockedError(realPath, answer)
  }
  throw lockedError(realPath, undefined)
}

function listen(path: string, owner: LockOwner): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {
      // Ignored: the asker hung up.
    })
    socket.unref()
    socket.setTimeout(OWNER_ANSWER_TIMEOUT_MS, () => socket.destroy())
    socket.resume()
    socket.end(`${JSON.stringify(owner)}\n`)
  })
  // The lock alone is no reason to stay alive.
  server.unref()
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

/**
 * Connects to a lock: its owner's answer, `undefined` when it accepts but does not tell, `'dead'`
 * when nobody listens on it, `'gone'` when the name has gone.
 */
function askOwner(path: string): Promise<LockOwner | undefined | 'dead' | 'gone'> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = createConnection(path)
    const finish = (): void => {
      socket.destroy()
      resolve(parseOwner(answer))
    }
    socket.setEncoding('utf8')
    socket.setTimeout(OWNER_ANSWER_TIMEOUT_MS, finish)
    socket.on('data', (text: string) => {
      answer += text
      if (answer.includes('\n') || answer.length > 1024) finish()
    })
    socket.on('end', finish)
    socket.on('error', (error) => {
      const code = systemErrorCode(error)
      // Anything else (a full backlog, no permission) comes from a socket that somebody holds.
      if (code === 'ECONNREFUSED' || code === 'ENOTSOCK') resolve('dead')
      else if (code === 'ENOENT') resolve('gone')
      else finish()
    })
  })
}

function parseOwner(answer: string): LockOwner | undefined {
  try {
    const value: unknown = JSON.parse(answer)
    if (typeof value !== 'object' || value === null) return undefined
    const { pid, startedAt } = value as { pid?: unknown; startedAt?: unknown } // Checked below.
    if (typeof pid !== 'number' || typeof startedAt !== 'string') return undefined
    return { pid, startedAt: startedAt.slice(0, 40) }
  } catch {
    // Ignored: the owner is known to live, only not by name.
    return undefined
  }
}

function lockedError(realPath: string, owner: LockOwner | undefined): HeadwaterError {
  const who =
    owner === undefined
      ? 'another process'
      : `process ${owner.pid}, which started at ${owner.startedAt}`
  return new HeadwaterError(
    'HW_DATA_DIR_LOCKED',
    `The data directory ${realPath} is in use by ${who}.`,
    { detail: 'Stop that process, or give this one a data directory of its own (dataDir).' },
  )
}

/** Name of the socket that a lock's link points at; `undefined` when there is no link. */
async function holderOf(path: string): Promise<string | undefined> {
  let name: string
  try {
    name = await readlink(path)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    // EINVAL: something that this program did not put there, so it stays.
    throw systemErrorCode(error) === 'EINVAL' ? notALockError(path) : error
  }
  if (!/^[A-Za-z0-9.-]+\.sock-[0-9a-f]{10}$/.test(name)) throw notALockError(path)
  return name
}

function notALockError(path: string): HeadwaterError {
  return new HeadwaterError(
    'HW_DATA_DIR_UNUSABLE',
    `${path} is in the way of the data directory's lock, and is not one.`,
    { detail: 'Move it away. It was left as it is.' },
  )
}

/** A name beside `path`, equally long for every `about`, so that no chain of them is too long. */
function siblingPath(path: string, about: string): string {
  const base = path.replace(/\.sock-[0-9a-f]{10}$/, '.sock')
  return `${base}-${shortHash(`${path} ${about}`, 10)}`
}

function shortHash(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}

/** File systems without sockets or links: some network and desktop-virtualisation mounts. */
function isWithoutSockets(error: unknown): boolean {
  const code = systemErrorCode(error)
  return ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EINVAL', 'ENOSYS', 'EMLINK'].includes(code)
}
