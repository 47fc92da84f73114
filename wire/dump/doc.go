// Package dump shows people what telemetry and frames say: one line for each sample, record or frame, every field by
// its name, as text or as JSON.
//
// A text line is "KIND name=value name=value | PART name=value ...", where a part is a structure of an sFlow sample or
// a header of a packet. The JSON of the same line is one object, with the parts in the array "parts". Numbers that
// stand for something keep their number and tell the meaning beside it: protocol=1(ethernet), or "protocol":1 and
// "protocol_name":"ethernet". What is of sFlow has its number beside it: structure=0:1001.
//
// It is not for counting (the summaries of package wire and wire/packet do that) and not for speed: it is for reading.
// It is pure.
//
// Memory: nothing of what it is given is kept, but the templates that NetFlow and IPFIX need.
package dump
