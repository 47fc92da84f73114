package capture

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"weir/schema"
)

// bytesOrder is what the builders of this test need of a byte order.
type bytesOrder interface {
	binary.AppendByteOrder
	binary.ByteOrder
}

// pcapFile builds a pcap file of one version, with records of (captured, length) bytes at second 1, fraction 2.
func pcapFile(o bytesOrder, magic uint32, minor uint16, link uint32, lengths ...[2]uint32) []byte {
	b := o.AppendUint32(nil, magic)
	b = o.AppendUint16(o.AppendUint16(b, 2), minor)
	b = append(b, make([]byte, 8)...)
	b = o.AppendUint32(o.AppendUint32(b, 1), link) // a snapshot length that is wrong
	for _, l := range lengths {
		b = o.AppendUint32(o.AppendUint32(b, 1), 2)
		if minor < 3 {
			b = o.AppendUint32(o.AppendUint32(b, l[1]), l[0])
		} else {
			b = o.AppendUint32(o.AppendUint32(b, l[0]), l[1])
		}
		if magic == magicModified {
			b = append(b, 1, 2, 3, 4, 5, 6, 7, 8)
		}
		b = append(b, bytes.Repeat([]byte{byte(l[0])}, int(l[0]))...)
	}
	return b
}

// block builds a pcapng block.
func block(o bytesOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	n := uint32(len(body) + 12)
	b := o.AppendUint32(o.AppendUint32(nil, kind), n)
	return o.AppendUint32(append(b, body...), n)
}

func section(o bytesOrder, major uint16) []byte {
	b := o.AppendUint16(o.AppendUint32(nil, byteOrderMagic), major)
	return block(o, blockSection, o.AppendUint64(o.AppendUint16(b, 0), math.MaxUint64))
}

func describe(o bytesOrder, link uint16, snap uint32, options ...byte) []byte {
	b := o.AppendUint16(o.AppendUint16(nil, link), 0)
	return block(o, blockInterface, append(o.AppendUint32(b, snap), options...))
}

func enhanced(o bytesOrder, number uint32, stamp uint64, data []byte, length uint32) []byte {
	b := o.AppendUint32(o.AppendUint32(nil, number), uint32(stamp>>32))
	b = o.AppendUint32(o.AppendUint32(b, uint32(stamp)), uint32(len(data)))
	return block(o, blockEnhanced, append(o.AppendUint32(b, length), data...))
}

// frames reads all of a file and copies its frames.
func frames(t testing.TB, raw []byte) (list []Frame, f *File, err error) {
	t.Helper()
	f, err = NewReader(bytes.NewReader(raw), "test.pcap")
	if err != nil {
		return nil, nil, err
	}
	list, err = rest(f)
	return list, f, err
}

// rest reads the frames that are left.
func rest(f *File) (list []Frame, err error) {
	for fr := (Frame{}); ; {
		switch err := f.Next(&fr); {
		case err == io.EOF:
			return list, nil
		case err != nil:
			return list, err
		}
		fr.Data = slices.Clone(fr.Data)
		list = append(list, fr)
	}
}

func TestPcapVariants(t *testing.T) {
	for _, o := range []bytesOrder{binary.LittleEndian, binary.BigEndian} {
		for magic, at := range map[uint32]schema.Instant{
			magicMicro: 1_000_002_000, magicNano: 1_000_000_002, magicModified: 1_000_002_000,
		} {
			for _, minor := range []uint16{1, 3, 4} {
				raw := pcapFile(o, magic, minor, 0xf4000071, [2]uint32{5, 9}, [2]uint32{0, 0}, [2]uint32{7, 7})
				list, f, err := frames(t, raw)
				if err != nil || len(list) != 3 || f.Cut() {
					t.Fatalf("%v %x 2.%d: %d frames, cut %v, %v", o, magic, minor, len(list), f.Cut(), err)
				}
				want := Frame{At: at, Link: schema.LinkSLL, Length: 9, Data: []byte{5, 5, 5, 5, 5}}
				if !sameFrame(list[0], want) {
					t.Errorf("%v %x 2.%d: first frame is %+v", o, magic, minor, list[0])
				}
				if s := f.Stats(); s.Records != 3 || s.Bytes != uint64(len(raw)) {
					t.Errorf("%v %x 2.%d: counted %+v", o, magic, minor, s)
				}
			}
		}
	}
}

func TestPcapCapturedMoreThanSent(t *testing.T) {
	list, _, err := frames(t, pcapFile(binary.LittleEndian, magicMicro, 4, 1, [2]uint32{8, 3}))
	if err != nil || len(list) != 1 || len(list[0].Data) != 8 || list[0].Length != 3 {
		t.Errorf("got %+v, %v", list, err)
	}
}

func TestEmpty(t *testing.T) {
	header := pcapFile(binary.LittleEndian, magicMicro, 4, 1)
	ng := section(binary.LittleEndian, 1)
	for name, raw := range map[string][]byte{
		"nothing": nil, "pcap header": header, "section": ng, "two sections": append(slices.Clone(ng), ng...),
	} {
		if list, f, err := frames(t, raw); err != nil || len(list) != 0 || f.Cut() {
			t.Errorf("%s: %d frames, %v", name, len(list), err)
		}
	}
}

// TestCut cuts files at every byte: what is whole is read, and only a cut between records is none.
func TestCut(t *testing.T) {
	o := binary.LittleEndian
	pcap := pcapFile(o, magicNano, 4, 1, [2]uint32{10, 10}, [2]uint32{20, 20})
	ng := slices.Concat(section(o, 1), describe(o, 1, 0), enhanced(o, 0, 5, make([]byte, 10), 10))
	for _, c := range []struct {
		raw  []byte
		ends []int // where the file may end
	}{
		{pcap, []int{24, 50, len(pcap)}},
		{ng, []int{28, 48, len(ng)}},
	} {
		for n := 4; n <= len(c.raw); n++ {
			_, f, err := frames(t, c.raw[:n])
			if err != nil {
				t.Fatalf("%x cut at %d: %v", c.raw[:4], n, err)
			}
			if want := !slices.Contains(c.ends, n); f.Cut() != want {
				t.Errorf("%x cut at %d: cut is %v", c.raw[:4], n, f.Cut())
			}
			var fr Frame
			if err := f.Next(&fr); err != io.EOF {
				t.Errorf("Next after the end: %v", err)
			}
		}
	}
}

func TestGzip(t *testing.T) {
	raw := pcapFile(binary.BigEndian, magicMicro, 4, 1, [2]uint32{10, 10}, [2]uint32{200, 200})
	var z bytes.Buffer
	w := gzip.NewWriter(&z)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if list, f, err := frames(t, z.Bytes()); err != nil || len(list) != 2 || f.Stats().Bytes != uint64(len(raw)) {
		t.Errorf("%d frames, %v", len(list), err)
	}
	if _, f, err := frames(t, z.Bytes()[:z.Len()-12]); err != nil || !f.Cut() {
		t.Errorf("a gzip stream that is cut: %v", err)
	}
	damaged := slices.Clone(z.Bytes())
	damaged[z.Len()-6] ^= 1
	if _, _, err := frames(t, damaged); !errors.Is(err, gzip.ErrChecksum) {
		t.Errorf("a gzip stream with a wrong checksum: %v", err)
	}
}

func TestDamage(t *testing.T) {
	o := binary.LittleEndian
	good := pcapFile(o, magicMicro, 4, 1, [2]uint32{10, 10})
	huge := append(slices.Clone(good), pcapFile(o, magicMicro, 4, 1, [2]uint32{0, 0})[24:]...)
	o.PutUint32(huge[50+8:], MaxCaptured+1)
	start := slices.Concat(section(o, 1), describe(o, 1, 0))
	packet := enhanced(o, 0, 5, make([]byte, 10), 10)
	change := func(off int, v uint32) []byte {
		b := slices.Concat(start, packet)
		o.PutUint32(b[len(start)+off:], v)
		return b
	}
	order := slices.Concat(start, section(o, 1))
	order[len(start)+8] = 0
	for name, c := range map[string]struct {
		raw  []byte
		says string
	}{
		"no capture":     {[]byte("GET / HTTP/1.1"), "not a capture file: it begins with 47455420"},
		"short":          {[]byte{0xa1}, "not a capture file"},
		"absurd length":  {huge, "test.pcap: record 2 at byte 50: it says that 1048577 bytes were captured"},
		"block short":    {change(4, 8), "record 1 at byte 48: a block of type 0x6 has the impossible length 8"},
		"block uneven":   {change(4, 45), "impossible length 45"},
		"block huge":     {change(4, 0x7ffffffc), "a block of type 0x6 has 2147483644 bytes"},
		"block end":      {change(len(packet)-4, 40), "is 44 at its beginning and 40 at its end"},
		"captured":       {change(20, 13), "it says that 13 bytes were captured, its block holds 12"},
		"byte order":     {order, "byte order mark"},
		"too small":      {slices.Concat(start, block(o, blockEnhanced, make([]byte, 8))), "it needs 20"},
		"section length": {slices.Concat(section(o, 1)[:4], []byte{24, 0, 0, 0}, section(o, 1)[8:]), "impossible length 24"},
	} {
		if _, _, err := frames(t, c.raw); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got error %v, want one that says %q", name, err, c.says)
		}
	}
}

func TestPcapng(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	old := be.AppendUint16(be.AppendUint16(nil, 0), 7)
	old = be.AppendUint32(be.AppendUint32(old, 0), 9)
	old = append(be.AppendUint32(be.AppendUint32(old, 3), 60), 1, 2, 3)
	raw := slices.Concat(
		section(le, 1), describe(le, 1, 0), describe(le, 113, 0),
		block(le, 0xbad, make([]byte, 21)), block(le, 0x40000bad, nil), block(le, 5, make([]byte, 40)),
		enhanced(le, 1, 7, []byte{1, 2, 3}, 100),
		enhanced(le, 2, 7, []byte{1}, 1), // no such interface
		section(be, 1),
		enhanced(be, 0, 7, []byte{1}, 1), // none yet in this section
		describe(be, 0, 6),
		block(be, blockPacket, old),
		block(be, blockSimple, append(be.AppendUint32(nil, 50), 1, 2, 3, 4, 5, 6, 7, 8)),
		section(le, 2), describe(le, 1, 0), enhanced(le, 0, 8, []byte{9}, 1),
	)
	list, f, err := frames(t, raw)
	if err != nil {
		t.Fatal(err)
	}
	want := []Frame{
		{At: 7000, Link: schema.LinkSLL, Interface: 1, Data: []byte{1, 2, 3}, Length: 100},
		{At: 9000, Link: schema.LinkNull, Data: []byte{1, 2, 3}, Length: 60},
		{At: 0, Link: schema.LinkNull, Data: []byte{1, 2, 3, 4, 5, 6}, Length: 50},
		{At: 8000, Link: schema.LinkEthernet, Data: []byte{9}, Length: 1},
	}
	if !slices.EqualFunc(list, want, sameFrame) {
		t.Errorf("got %+v\nwant %+v", list, want)
	}
	stats := FileStats{Records: 4, Bytes: uint64(len(raw)), Skipped: 3, Orphans: 2, Doubtful: 1}
	if got := f.Stats(); got != stats {
		t.Errorf("counted %+v, want %+v", got, stats)
	}
}

func sameFrame(a, b Frame) bool {
	return a.At == b.At && a.Link == b.Link && a.Interface == b.Interface && a.Length == b.Length &&
		bytes.Equal(a.Data, b.Data)
}

func TestPcapngClock(t *testing.T) {
	o := binary.LittleEndian
	option := func(code uint16, v ...byte) []byte {
		b := o.AppendUint16(o.AppendUint16(nil, code), uint16(len(v)))
		return append(append(b, v...), make([]byte, -len(v)&3)...)
	}
	offset := func(s int64) []byte { return option(optionOffset, o.AppendUint64(nil, uint64(s))...) }
	for _, c := range []struct {
		name    string
		options []byte
		stamp   uint64
		at      schema.Instant
	}{
		{"default", nil, 1_340_954_905_298_858, 1_340_954_905_298_858_000},
		{"nano", option(optionResolution, 9), 1_340_954_905_298_858_123, 1_340_954_905_298_858_123},
		{"second", option(optionResolution, 0), 1_340_954_905, 1_340_954_905_000_000_000},
		{"pico", option(optionResolution, 12), 1_340_954_905_298, 1_340_954_905},
		{"2^-10", option(optionResolution, 0x8a), 3<<10 | 512, 3_500_000_000},
		{"2^-32", option(optionResolution, 0xa0), 1340954905<<32 | 1<<31, 1_340_954_905_500_000_000},
		{"2^-64", option(optionResolution, 0xc0), 1 << 63, 500_000_000},
		{"2^-127", option(optionResolution, 0xff), 1 << 63, 0},
		{"10^-19", option(optionResolution, 19), 15e18, 1_500_000_000},
		{"10^-127", option(optionResolution, 127), 1, 0},
		{"offset", slices.Concat(option(optionResolution, 3), offset(100)), 2500, 102_500_000_000},
		{"offset back", slices.Concat(option(1, 'x'), offset(-2)), 3_500_000, 1_500_000_000},
		{"before 1970", offset(-9), 3_500_000, 0},
		{"after 2262", option(optionResolution, 0), 1 << 40, 0},
		{"offset after 2262", slices.Concat(option(optionResolution, 0), offset(9e9)), 9e9, 0},
		{"offset absurd", offset(math.MaxInt64), 1, 0},
		{"after the end", slices.Concat(option(optionEnd), option(optionResolution, 0)), 5, 5000},
		{"wrong length", option(optionResolution, 3, 3), 5, 5000},
		{"runs out", []byte{9, 0, 200, 0}, 5, 5000},
	} {
		raw := slices.Concat(section(o, 1), describe(o, 1, 0, c.options...), enhanced(o, 0, c.stamp, nil, 0))
		list, _, err := frames(t, raw)
		if err != nil || len(list) != 1 || list[0].At != c.at {
			t.Errorf("%s: got %+v, %v; want %d", c.name, list, err, c.at)
		}
	}
}

func TestWriter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "round.pcap")
	var raw bytes.Buffer
	w, err := NewWriter(&raw, schema.LinkSLL2)
	if err != nil {
		t.Fatal(err)
	}
	want := []Frame{
		{At: 1, Link: schema.LinkSLL2, Data: []byte("abc"), Length: 3},
		{At: 4_294_967_295_999_999_999, Link: schema.LinkSLL2, Data: []byte("d"), Length: 1500},
		{At: 5, Link: schema.LinkSLL2, Data: bytes.Repeat([]byte{7}, MaxCaptured), Length: MaxCaptured},
	}
	for _, fr := range want {
		if err := w.Write(fr.At, fr.Data, fr.Length); err != nil {
			t.Fatal(err)
		}
	}
	for _, at := range []schema.Instant{-1, 4_294_967_296_000_000_000} {
		if err := w.Write(at, nil, 0); err == nil {
			t.Errorf("Write took the time %d", at)
		}
	}
	if err := w.Write(0, make([]byte, MaxCaptured+1), 0); err == nil {
		t.Error("Write took a frame that is too long")
	}
	if err := os.WriteFile(path, raw.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	got, _, err := frames(t, raw.Bytes())
	if err != nil || !slices.EqualFunc(got, want, sameFrame) {
		t.Errorf("read %d frames, %v", len(got), err)
	}
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := rest(f); len(got) != 3 || err != nil {
		t.Errorf("the file has %d packets, %v", len(got), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
}

func TestOpenErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "absent.pcap")
	if _, err := Open(path); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	f, err := NewReader(bytes.NewReader(pcapFile(binary.LittleEndian, magicNano, 4, 1, [2]uint32{1, 1})), "x")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Next(&Frame{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Next after Close: %v", err)
	}
}

// manyRecords is a reader of a file without end.
type manyRecords struct {
	record []byte
	off    int
}

func (m *manyRecords) Read(p []byte) (n int, err error) {
	for n < len(p) {
		c := copy(p[n:], m.record[m.off:])
		n, m.off = n+c, (m.off+c)%len(m.record)
	}
	return n, nil
}

// endless returns a File of records without end, in either format.
func endless(t testing.TB, pcapng bool) *File {
	o := binary.LittleEndian
	var head, record []byte
	if pcapng {
		head = slices.Concat(section(o, 1), describe(o, 1, 0))
		record = enhanced(o, 0, 1_340_954_905_298_858, make([]byte, 1400), 1400)
	} else {
		raw := pcapFile(o, magicNano, 4, 1, [2]uint32{1400, 1400})
		head, record = raw[:24], raw[24:]
	}
	f, err := NewReader(io.MultiReader(bytes.NewReader(head), &manyRecords{record: record}), "endless")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestNextAllocatesNothing(t *testing.T) {
	for _, pcapng := range []bool{false, true} {
		f := endless(t, pcapng)
		var fr Frame
		if err := f.Next(&fr); err != nil {
			t.Fatal(err)
		}
		if n := testing.AllocsPerRun(1000, func() { _ = f.Next(&fr) }); n != 0 {
			t.Errorf("pcapng %v: %v allocations a record", pcapng, n)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	for name, pcapng := range map[string]bool{"pcap": false, "pcapng": true} {
		b.Run(name, func(b *testing.B) {
			f := endless(b, pcapng)
			var fr Frame
			b.ReportAllocs()
			b.SetBytes(1400)
			for b.Loop() {
				if err := f.Next(&fr); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzFile(f *testing.F) {
	le, be := binary.LittleEndian, binary.BigEndian
	f.Add(pcapFile(le, magicModified, 4, 1, [2]uint32{5, 9}, [2]uint32{60, 60}))
	f.Add(pcapFile(be, magicNano, 2, 1, [2]uint32{5, 9}))
	f.Add(slices.Concat(section(le, 1), describe(le, 1, 0), enhanced(le, 0, 7, []byte{1, 2, 3}, 100),
		section(be, 2), describe(be, 113, 9, 0, 9, 0, 1, 0x8a, 0, 0, 0), block(be, blockSimple, make([]byte, 40)),
		block(be, blockPacket, make([]byte, 40)), block(be, 0xbad, make([]byte, 9))))
	f.Fuzz(func(t *testing.T, raw []byte) {
		list, file, err := frames(t, raw)
		if file == nil {
			return
		}
		s := file.Stats()
		if s.Records != uint64(len(list)) || err == nil && raw != nil && len(raw) > 2 && raw[0] != 0x1f &&
			s.Bytes != uint64(len(raw)) {
			t.Fatalf("%d frames of %d bytes, counted %+v", len(list), len(raw), s)
		}
		for i := range list {
			if len(list[i].Data) > MaxCaptured+maxBlockExtra || list[i].At < 0 {
				t.Fatalf("frame %d: %d bytes at %d", i, len(list[i].Data), list[i].At)
			}
		}
	})
}
