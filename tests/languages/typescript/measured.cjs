// Runs the rules' examples before and after their repair, and counts what each leaves behind.
// node --expose-gc measured.cjs FOLDER_OF_TYPESCRIPT < examples.json: [{rule, code}] -> [number]
'use strict'
const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const vm = require('node:vm')
const { Worker } = require('node:worker_threads')
const ts = require(process.argv[2])

const TIMES = 10
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'repairbot-node-'))
const empty = path.join(folder, 'empty')
fs.writeFileSync(empty, '')
const large = path.join(folder, 'large')
fs.writeFileSync(large, '')
fs.truncateSync(large, 11 * 1024 * 1024)

const descriptors = () => fs.readdirSync('/dev/fd').length
const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length

/** What stands for a page's window or document: it knows how many listeners it has. */
class Listened {
  constructor() {
    this.heard = new Map()
  }
  of(name) {
    if (!this.heard.has(name)) this.heard.set(name, new Set())
    return this.heard.get(name)
  }
  addEventListener(name, handler) {
    this.of(name).add(handler)
  }
  removeEventListener(name, handler) {
    this.of(name).delete(handler)
  }
  get count() {
    return [...this.heard.values()].reduce((sum, handlers) => sum + handlers.size, 0)
  }
}

/** Something that is open (or connected) until it is closed; `held` counts what is. */
function counted(held, ...endings) {
  const kind = class {
    constructor() {
      held.count += 1
      this.open = true
    }
    observe() {}
  }
  for (const ending of endings) {
    kind.prototype[ending] = function () {
      held.count -= this.open ? 1 : 0
      this.open = false
    }
  }
  return kind
}

async function retained(work) {
  global.gc()
  const before = process.memoryUsage().heapUsed
  await work()
  global.gc()
  return (process.memoryUsage().heapUsed - before) / 1024
}

async function many(work, times = TIMES) {
  for (let n = 0; n < times; n++) await work(n)
}

const failing = async (work) => work().then(() => { throw new Error('it should have failed') }, () => {})

async function opened(work) {
  const before = descriptors()
  await many(work)
  return descriptors() - before
}

/** For each rule: what one example is given (`load(modules, globals)`), what is done with it, what is counted. */
const DRIVERS = {
  'never-released': (load) => opened(() => load().firstBytes(__filename)),
  'error-path-leak': (load) => opened(() => failing(() => load().header(folder))),
  'early-exit-leak': (load) => opened(() => load().isScript(empty)),
  'late-cleanup': (load) => opened(() => failing(async () => load().save(path.join(folder, 'saved'), []))),
  'wrong-exit-cleanup': (load) => opened(() => load().opened(__filename, 0)),
  'partial-initialization': (load) => {
    const broken = { ...fs, statSync: () => { throw new Error('no such file') } }
    const { Journal } = load({ fs: broken })
    return opened(async () => failing(async () => new Journal(path.join(folder, 'journal'))))
  },
  'nameless-resource': async (load) => {
    const held = { count: 0 }
    const Tensor = counted(held, 'dispose')
    Tensor.prototype.dataSync = () => [1]
    const { total } = load({ '@tensorflow/tfjs': { tensor1d: () => new Tensor() } })
    await many(() => total([1]))
    return held.count
  },
  'overwritten-resource': async (load) => {
    const held = { count: 0 }
    const { Follower } = load({}, { WebSocket: counted(held, 'close') })
    const follower = new Follower()
    await many(() => follower.follow('ws://example'))
    follower.dispose()
    return held.count
  },
  'incomplete-teardown': async (load) => {
    const held = { count: 0 }
    const Observer = counted(held, 'disconnect')
    const { Panel } = load({}, { ResizeObserver: Observer, IntersectionObserver: Observer })
    await many(() => new Panel({}).dispose())
    return held.count
  },
  'unbounded-collection': (load) => {
    const { monitor } = load()
    return retained(() => many((n) => monitor.record(n + 0.5), 500_000))
  },
  'unbounded-cache': (load) => {
    class Session {
      constructor() {
        this.page = new Array(20).fill(0.5)
      }
    }
    const { sessions } = load({}, { Session })
    return retained(() => many((n) => sessions.open({ sessionId: `session ${n}` }), 10_000))
  },
  'empty-bucket': async (load) => {
    const rooms = new (load().Rooms)()
    const grown = await retained(() =>
      many((n) => {
        rooms.join(`room ${n}`, 'somebody')
        rooms.leave(`room ${n}`, 'somebody')
      }, 10_000),
    )
    rooms.join('the last one', 'keeps it alive')
    return grown
  },
  'unremoved-listener': async (load) => {
    const window = new Listened()
    const { Shortcuts } = load({}, { window, document: window })
    await many(() => new Shortcuts().dispose())
    return window.count
  },
  'mismatched-removal': async (load) => {
    const document = new Listened()
    const { Drag } = load({}, { document })
    await many(() => {
      const drag = new Drag()
      drag.start()
      drag.stop()
    })
    return document.count
  },
  'uncleared-timer': async (load) => {
    const before = timers()
    const { Poller } = load()
    const poller = new Poller()
    await many(() => poller.start())
    poller.stop()
    return timers() - before
  },
  'duplicate-registration': async (load) => {
    const server = new EventEmitter()
    const before = process.listenerCount('SIGTERM')
    load({ net: { createServer: () => server }, './log': { log() {} } })
    await many(() => server.emit('connection', { end() {} }), 9)
    const added = process.listenerCount('SIGTERM') - before
    process.removeAllListeners('SIGTERM')
    return added - 1
  },
  'dangling-task': async (load) => {
    const started = []
    class Watched extends Worker {
      constructor(address) {
        super(address)
        started.push(this)
      }
    }
    const { Search } = load({}, { Worker: Watched })
    const search = new Search(new URL('data:text/javascript,setInterval(() => {}, 1000)'))
    const [worker] = started
    const state = { running: true }
    worker.once('exit', () => { state.running = false })
    await once(worker, 'online')
    search.dispose()
    await Promise.race([once(worker, 'exit'), new Promise((resolve) => setTimeout(resolve, 300))])
    const left = state.running ? 1 : 0
    await worker.terminate()
    return left
  },
  'unbounded-query': async (load) => {
    const rows = new Array(5000).fill({})
    const cursor = (found) => ({ limit: (n) => cursor(found.slice(0, n)), toArray: async () => found })
    const client = { db: () => ({ collection: () => ({ find: () => cursor(rows) }) }) }
    const { Orders } = load({ mongodb: {} })
    return (await new Orders(client).all()).length - 1000
  },
  'whole-file-read': async (load) => {
    let bytes = 0
    const readFile = async (...given) => {
      const content = await fs.promises.readFile(...given)
      bytes += content.length
      return content
    }
    const { indexFile } = load({ 'fs/promises': { ...fs.promises, readFile } })
    await indexFile(large).catch(() => {})
    return bytes / 1024
  },
  'unmonitored-batch': async (load) => {
    let most = 0
    const store = { insert: async (chunks) => { most = Math.max(most, chunks.length) } }
    const { indexAll } = load({}, { store, chunksOf: async () => [1, 2] })
    await indexAll(new Array(1000).fill('file'))
    return most
  },
}

/** Makes a fresh module of a source; `modules` and `globals` stand in for what it asks for. */
function loader(code) {
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 }
  const script = ts.transpileModule(code, { compilerOptions: options }).outputText
  return (modules = {}, globals = {}) => {
    const names = Object.keys(globals)
    const wrapped = `(function (require, module, exports, ${names.join(', ')}) {${script}\n})`
    const module = { exports: {} }
    const asked = (name) => modules[name] ?? require(name)
    vm.runInThisContext(wrapped)(asked, module, module.exports, ...names.map((name) => globals[name]))
    return module.exports
  }
}

async function main() {
  const examples = JSON.parse(fs.readFileSync(0, 'utf8'))
  const results = []
  for (const { rule, code } of examples) results.push(await DRIVERS[rule](loader(code)))
  fs.rmSync(folder, { recursive: true })
  process.stdout.write(JSON.stringify(results), () => process.exit(0))
}

main().catch((error) => {
  console.error(error)
  process.exit(1)
})
