// From keys of counter groups to searches among conversations.

import type { Group, KeyDetails } from './shapes'
import { TOTALS } from './shapes'

/** The parts of a raw key, one for each group that a cross-key is made of. */
function partsOf(key: string): string[] {
  return key.split('\\')
}

const hex = (text: string) => parseInt(text, 16)

/** The search term that one part of a raw key stands for, '' when conversations cannot be searched by it. */
function termOf(raw: string): string {
  if (/^([0-9A-F]{2}\.){3}[0-9A-F]{2}$/.test(raw)) return 'ip=' + raw.split('.').map(hex).join('.')
  if (/^[0-9A-F]{32}$/.test(raw)) return 'ip=' + raw.match(/.{4}/g)!.join(':').toLowerCase()
  if (/^p-[0-9A-F]{4}$/.test(raw)) return 'port=' + hex(raw.slice(2))
  return ''
}

/** The search for the conversations of a key, '' when there is none. */
export function sessionTerm(group: Pick<Group, 'name'>, key: Pick<KeyDetails, 'key'>): string {
  if (key.key === TOTALS) return ''
  if (/^protocols?$/.test(group.name) && /^[0-9A-F]{2}$/.test(key.key)) return 'proto=' + hex(key.key)
  const terms = partsOf(key.key).map(termOf)
  if (terms.includes('')) return ''
  const ips = terms.filter((t) => t.startsWith('ip=')).map((t) => t.slice(3))
  // Two addresses are the two ends; two terms of one name would both be of the same end.
  if (ips.length === 2) return ['ippair=' + ips.join('|'), ...terms.filter((t) => !t.startsWith('ip='))].join(',')
  return terms.join(',')
}
