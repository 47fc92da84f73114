import { splitTop } from './language'

/** IP protocol numbers that are met in practice (IANA "Protocol Numbers"). */
const PROTOCOLS: Record<string, string> = {
  '1': 'ICMP',
  '2': 'IGMP',
  '4': 'IP-in-IP',
  '6': 'TCP',
  '17': 'UDP',
  '41': 'IPv6',
  '47': 'GRE',
  '50': 'ESP',
  '51': 'AH',
  '58': 'ICMPv6',
  '89': 'OSPF',
  '103': 'PIM',
  '112': 'VRRP',
  '132': 'SCTP',
}

/** Well-known ports worth a word (IANA "Service Name and Transport Protocol Port Number Registry"). */
const SERVICES: Record<string, string> = {
  '20': 'ftp-data',
  '21': 'ftp',
  '22': 'ssh',
  '23': 'telnet',
  '25': 'smtp',
  '53': 'dns',
  '67': 'dhcp',
  '68': 'dhcp',
  '69': 'tftp',
  '80': 'http',
  '88': 'kerberos',
  '110': 'pop3',
  '123': 'ntp',
  '143': 'imap',
  '161': 'snmp',
  '162': 'snmp trap',
  '179': 'bgp',
  '389': 'ldap',
  '443': 'https',
  '445': 'smb',
  '465': 'smtps',
  '500': 'ike',
  '514': 'syslog',
  '587': 'submission',
  '636': 'ldaps',
  '853': 'dns-tls',
  '993': 'imaps',
  '995': 'pop3s',
  '1194': 'openvpn',
  '1433': 'mssql',
  '1883': 'mqtt',
  '2049': 'nfs',
  '2055': 'netflow',
  '3260': 'iscsi',
  '3306': 'mysql',
  '3389': 'rdp',
  '4500': 'ipsec-nat',
  '4739': 'ipfix',
  '4789': 'vxlan',
  '5060': 'sip',
  '5353': 'mdns',
  '5432': 'postgres',
  '6081': 'geneve',
  '6343': 'sflow',
  '6379': 'redis',
  '6443': 'kube-api',
  '8080': 'http-alt',
  '8443': 'https-alt',
  '9090': 'prometheus',
  '9092': 'kafka',
  '51820': 'wireguard',
}

/** One value of a flow's key as it is shown: its text, and a word about it. */
export interface KeyPart {
  text: string
  note: string
}

/** The values of a flow's key for display. keys is the definition's list of key expressions. */
export function keyParts(values: readonly string[], keys: string): KeyPart[] {
  const expressions = splitTop(keys)
  return values.map((value, i) => {
    const expression = expressions[i] ?? ''
    const name = /^(null|or):/.test(expression) ? expression.split(':')[1]! : expression
    if (/^ip6?(protocol|nexthdr|nexthdr2)(\.\d+)?$/.test(name) || name === 'ipprotocol') {
      return { text: PROTOCOLS[value] ?? 'protocol ' + value, note: '' }
    }
    if (/(source|destination)port(\.\d+)?$/.test(name)) return { text: value, note: SERVICES[value] ?? '' }
    return { text: value, note: '' }
  })
}

/** Whether the two keys of a definition are a source and a destination, between which an arrow belongs. */
export function isPair(keys: string): boolean {
  const expressions = splitTop(keys)
  return expressions.length === 2 && /source/.test(expressions[0]!) && /destination/.test(expressions[1]!)
}

/** The values of a flow's key in one line, for titles and labels. */
export function keyLabel(parts: readonly KeyPart[]): string {
  return parts.map((p) => (p.note ? `${p.text} (${p.note})` : p.text)).join(', ') || 'all traffic'
}

/** A filter that only the flow with these values passes. */
export function filterOf(values: readonly string[], keys: string): string {
  const expressions = splitTop(keys)
  return values
    .map((value, i) => (expressions[i] === undefined ? '' : quoted(bare(expressions[i])) + '=' + quoted(value)))
    .filter((term) => term !== '')
    .join('&')
}

function bare(expression: string): string {
  return expression.replace(/^'(.*)'$/, '$1')
}

/** Puts a text of a filter in quotes when it holds signs of the language (flow language, section Filters). */
function quoted(text: string): string {
  if (!/[,&|()=!~'\\\s]/.test(text) && text !== '') return text
  return "'" + text.replace(/'/g, "\\'") + "'"
}
