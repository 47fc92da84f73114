package enrich

import (
	"bufio"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Vendors is the list of who was assigned the first three octets of MAC addresses. It is immutable; the nil list knows
// nobody.
type Vendors struct {
	byPrefix map[[3]byte][]byte
}

// Bounds of a vendor list.
const (
	maxVendors    = 200_000
	maxVendorName = 128
	maxVendorLine = 64 << 10
)

// ParseOUI reads the IEEE list of MA-L assignments in either of its forms: text with lines "00-00-5E   (hex)   NAME",
// or CSV with the columns registry, assignment, name. Other lines and registries are skipped; of several entries for
// a prefix the first counts. A list without any entry is an error, as it is surely the wrong file.
func ParseOUI(r io.Reader) (*Vendors, error) {
	v := &Vendors{byPrefix: map[[3]byte][]byte{}}
	in := bufio.NewReaderSize(r, maxVendorLine)
	head, err := in.Peek(len("\ufeffRegistry,"))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("vendor list: %w", err)
	}
	start := strings.TrimPrefix(string(head), "\ufeff")
	if strings.HasPrefix(start, "Registry,") || strings.HasPrefix(start, "MA-L,") {
		err = v.readCSV(in)
	} else {
		err = v.readText(in)
	}
	if err != nil {
		return nil, fmt.Errorf("vendor list: %w", err)
	}
	if len(v.byPrefix) == 0 {
		return nil, errors.New("vendor list: no line like \"00-00-5E   (hex)   NAME\" or \"MA-L,00005E,NAME,...\"")
	}
	return v, nil
}

func (v *Vendors) readText(in *bufio.Reader) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 4096), maxVendorLine)
	n := 0
	for lines.Scan() {
		n++
		prefix, name, ok := strings.Cut(lines.Text(), "(hex)")
		if !ok {
			continue
		}
		if err := v.add(strings.ReplaceAll(strings.TrimSpace(prefix), "-", ""), name); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("line %d: %w", n+1, err)
	}
	return nil
}

func (v *Vendors) readCSV(in io.Reader) error {
	rows := csv.NewReader(in)
	rows.FieldsPerRecord, rows.LazyQuotes, rows.ReuseRecord = -1, true, true
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if len(row) < 3 || strings.TrimPrefix(row[0], "\ufeff") != "MA-L" {
			continue
		}
		if err := v.add(row[1], row[2]); err != nil {
			line, _ := rows.FieldPos(1)
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

func (v *Vendors) add(prefix, name string) error {
	var key [3]byte
	b, err := hex.DecodeString(prefix)
	if err != nil || len(b) != len(key) {
		return fmt.Errorf("%.32q is no assignment; expected 6 hex digits", prefix)
	}
	copy(key[:], b)
	name = strings.Join(strings.Fields(strings.ToValidUTF8(name, "?")), " ")
	if _, taken := v.byPrefix[key]; taken || name == "" {
		return nil
	}
	if len(v.byPrefix) >= maxVendors {
		return fmt.Errorf("more than %d assignments", maxVendors)
	}
	v.byPrefix[key] = []byte(strings.ToValidUTF8(name[:min(len(name), maxVendorName)], ""))
	return nil
}

// Len returns how many prefixes are known.
func (v *Vendors) Len() int {
	if v == nil {
		return 0
	}
	return len(v.byPrefix)
}

// Name returns the vendor of a MAC address, empty when it is not known.
func (v *Vendors) Name(m MAC) string { return string(v.lookup(m)) }

func (v *Vendors) lookup(m MAC) []byte {
	if v == nil {
		return nil
	}
	return v.byPrefix[[3]byte(m[:3])]
}
