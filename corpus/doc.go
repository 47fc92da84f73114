// Package corpus keeps cases of the whole house: what came in, what was asked, and what came out. Each directory in
// cases holds
//
//	input.pcap     telemetry datagrams or captured frames, made by the simulator and the builders of the wire rooms
//	flows.yaml     a configuration: flow definitions, thresholds, groups
//	expected.json  books, exporters, active and finished flows, metrics and events at the end
//
// The test replays each input through the real road, with one lane and with three, and compares. After a change that is
// meant to change answers,
//
//	go test ./corpus -update
//
// writes expected.json anew, to be read in review; -inputs also makes input.pcap anew. The file exceptions.txt is for
// another purpose: it says where reference decodings of captures that are not ours are wrong.
//
// It is not a room: nothing imports it, and it has no code but its test. All input is synthetic.
package corpus
