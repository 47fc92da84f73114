import { expect, test } from 'vitest'
import { sessionTerm } from './keyterms'

test.each([
  ['hosts', 'C0.A8.01.02', 'ip=192.168.1.2'],
  ['hosts_v6', '20010DB8000000000000000000000001', 'ip=2001:0db8:0000:0000:0000:0000:0000:0001'],
  ['apps', 'p-01BB', 'port=443'],
  ['host_apps', 'C0.A8.01.02\\p-0016', 'ip=192.168.1.2,port=22'],
  ['pairs', '0A.00.00.01\\0A.00.00.02', 'ippair=10.0.0.1|10.0.0.2'],
  ['protocols', '11', 'proto=17'],
  ['country', 'DE', ''],
  ['mac', '00:1C:C0:B9:B9:10', ''],
  ['hosts', 'SYS:GROUP_TOTALS', ''],
])('conversations of %s %s are found by %j', (group, key, want) =>
  expect(sessionTerm({ name: group }, { key })).toBe(want),
)
