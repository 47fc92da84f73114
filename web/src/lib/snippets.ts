// How to make exporters send to this server, in the fewest lines. The documentation has more of them.

export interface Snippet {
  name: string
  about: string
  text: string
}

/** Snippets with the collector's host and ports filled in. */
export function snippets(host: string, ports: { sflow: number; netflow: number; ipfix: number }): Snippet[] {
  return [
    {
      name: 'Demo',
      about: 'No exporter at hand? A made-up network that sends real sFlow, NetFlow and IPFIX:',
      text: 'weir demo',
    },
    {
      name: 'Host sFlow',
      about: 'Any Linux host with hsflowd, in /etc/hsflowd.conf:',
      text: `sflow {
  sampling = 1000
  polling = 20
  collector { ip=${host} udpport=${ports.sflow} }
  pcap { dev=eth0 }
}`,
    },
    {
      name: 'Open vSwitch',
      about: 'sFlow from a bridge:',
      text: `ovs-vsctl -- --id=@s create sflow agent=eth0 \\
  target=\\"${host}:${ports.sflow}\\" sampling=1000 polling=20 \\
  -- set bridge br0 sflow=@s`,
    },
    {
      name: 'softflowd',
      about: 'NetFlow 9 from an interface:',
      text: `softflowd -i eth0 -v 9 -n ${host}:${ports.netflow}`,
    },
    {
      name: 'Cisco IOS',
      about: 'Flexible NetFlow:',
      text: `flow exporter WEIR
 destination ${host}
 transport udp ${ports.netflow}
flow monitor WEIR
 record netflow ipv4 original-input
 exporter WEIR
 cache timeout active 10
interface GigabitEthernet0/0
 ip flow monitor WEIR input`,
    },
    {
      name: 'Arista EOS',
      about: 'sFlow:',
      text: `sflow sample 16384
sflow polling-interval 20
sflow destination ${host} ${ports.sflow}
sflow source-interface Management1
sflow run`,
    },
    {
      name: 'MikroTik',
      about: 'IPFIX:',
      text: `/ip traffic-flow set enabled=yes active-flow-timeout=10s
/ip traffic-flow target add dst-address=${host} port=${ports.ipfix} version=ipfix`,
    },
  ]
}

/** The port in an address such as "udp 0.0.0.0:6343" or "[::]:6343", or what it is when there is none. */
export function portOf(address: string | undefined, otherwise: number): number {
  const m = /:(\d+)\s*$/.exec(address ?? '')
  return m === null ? otherwise : Number(m[1])
}
