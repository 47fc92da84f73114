import type { Mode } from './types'

const PLAIN = ['overview', 'definitions'] as const
/** Pages whose view is a name, a key and parameters of their own. */
const NAMED = ['groups', 'sessions', 'alerts', 'sql', 'store'] as const

export type Page = (typeof PLAIN)[number] | (typeof NAMED)[number]

/** Everything about the view that a link should bring back. */
export interface ViewState {
  page: Page
  /** The definition that is open; '' for a new one. */
  flow: string
  mode: Mode
  /** How much of the past the charts show, in seconds. */
  window: number
  /** What is searched for: an exporter or a definition. */
  search: string
  /** The column that exporters are sorted by, with a minus in front when the largest comes first. */
  sort: string
  /** What a new definition starts with. */
  draft: { keys?: string; value?: string; filter?: string }
  /** What is open on one of the other pages: a group, a conversation; '' for the page itself. */
  name: string
  /** The key of the group that is open; '' for the group itself. */
  key: string
  /** Settings of the other pages, each by its name; what is as usual is not there. */
  params: Readonly<Record<string, string>>
}

export const WINDOWS = [60, 300, 900] as const

export const DEFAULT_VIEW: ViewState = {
  page: 'overview',
  flow: '',
  mode: 'max',
  window: 300,
  search: '',
  sort: '-records_rate',
  draft: {},
  name: '',
  key: '',
  params: {},
}

const isNamed = (page: string): page is (typeof NAMED)[number] => (NAMED as readonly string[]).includes(page)

/** Parameters longer than this are not ours. */
const MOST = 20_000

/** Reads a location's hash. What it does not understand is as if it were not there. */
export function parseHash(hash: string): ViewState {
  const text = hash.replace(/^#\/?/, '')
  const cut = text.indexOf('?')
  const path = (cut < 0 ? text : text.slice(0, cut)).split('/')
  const query = new URLSearchParams(cut < 0 ? '' : text.slice(cut + 1))
  const view: ViewState = { ...DEFAULT_VIEW, draft: {} }
  if (query.get('mode') === 'sum') view.mode = 'sum'
  const seconds = Number(query.get('window'))
  if ((WINDOWS as readonly number[]).includes(seconds)) view.window = seconds
  if (isNamed(path[0]!)) {
    view.page = path[0]
    view.name = decode(path[1] ?? '')
    view.key = decode(path.slice(2).join('/'))
    view.params = Object.fromEntries(
      [...query].filter(([name, value]) => /^[a-z_]+$/.test(name) && !COMMON.has(name) && value.length <= MOST),
    )
    return view
  }
  if (path[0] === 'definitions') {
    view.page = 'definitions'
    view.flow = decode(path.slice(1).join('/'))
  }
  view.search = query.get('search') ?? ''
  if (/^-?[a-z_]+$/.test(query.get('sort') ?? '')) view.sort = query.get('sort')!
  for (const part of ['keys', 'value', 'filter'] as const) {
    const value = query.get(part)
    if (value !== null && view.page === 'definitions') view.draft[part] = value
  }
  return view
}

const COMMON: ReadonlySet<string> = new Set(['mode', 'window'])

/** The hash that parseHash reads; what is as usual is left out. */
export function formatHash(view: ViewState): string {
  const query = new URLSearchParams()
  if (view.mode !== DEFAULT_VIEW.mode) query.set('mode', view.mode)
  if (view.window !== DEFAULT_VIEW.window) query.set('window', String(view.window))
  let path = '#/'
  if (isNamed(view.page)) {
    path += [view.page, view.name, view.key]
      .filter((part, i) => i === 0 || part !== '')
      .map(encodeURIComponent)
      .join('/')
    for (const [name, value] of Object.entries(view.params)) if (value !== '') query.set(name, value)
  } else {
    if (view.search !== '') query.set('search', view.search)
    if (view.sort !== DEFAULT_VIEW.sort && view.page === 'overview') query.set('sort', view.sort)
  }
  if (view.page === 'definitions') {
    path += 'definitions' + (view.flow === '' ? '' : '/' + encodeURIComponent(view.flow))
    if (view.flow === '') {
      for (const part of ['keys', 'value', 'filter'] as const) {
        if (view.draft[part]) query.set(part, view.draft[part])
      }
    }
  }
  const text = query.toString()
  return text === '' ? path : path + '?' + text
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
