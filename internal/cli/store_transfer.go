package cli

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/ringmaster-zk/ringmaster/recipe/store"
)

// exportFormat is the format of exports that this build writes, and the newest that it reads.
const exportFormat = 1

// exportHead is the first line of an export.
type exportHead struct {
	Format int          `json:"format"`
	Epoch  int32        `json:"epoch"`
	Types  []exportType `json:"types"`
}

type exportType struct {
	Name  string `json:"name"`
	Path  string `json:"path,omitempty"`
	Split int    `json:"split,omitempty"`
}

// exportEnd is the last line. Without it an export is not whole.
type exportEnd struct {
	Records int    `json:"records"`
	SHA256  string `json:"sha256"` // of all lines before
}

// StoreExport is the command store export.
type StoreExport struct{ Store }

// Run prints all records as lines of JSON.
func (e StoreExport) Run(ctx context.Context, o *Options, s Streams, name string) error {
	v, err := e.view(o, name)
	if err != nil {
		return err
	}
	defer endSession(v.Close)
	ctx, cancel := o.limited(ctx)
	defer cancel()
	now, err := v.State(ctx)
	if err == nil && now.Epoch == 0 {
		err = fmt.Errorf("%w: there is no store", store.ErrAbsent)
	}
	if err != nil {
		return fmt.Errorf("store export: %w", err)
	}
	records, err := v.Load(ctx)
	if err != nil {
		return fmt.Errorf("store export: %w", err)
	}
	sum := sha256.New()
	out := io.MultiWriter(s.Out, sum)
	head := exportHead{Format: exportFormat, Epoch: now.Epoch}
	for _, t := range now.Types {
		head.Types = append(head.Types, exportType{t.Name, t.Path, t.Split})
	}
	if err := printJSON(out, head); err != nil {
		return err
	}
	for _, r := range records {
		if err := printJSON(out, lineOfRecord(r, true)); err != nil {
			return err
		}
	}
	return printJSON(s.Out, exportEnd{len(records), hex.EncodeToString(sum.Sum(nil))})
}

// StoreImport is the command store import.
type StoreImport struct {
	Store
	Merge bool // into a store that has records
}

// Run reads an export whole, checks it, and writes its records.
func (i StoreImport) Run(ctx context.Context, o *Options, s Streams, name string) error {
	head, records, err := readExport(s.In)
	if err != nil {
		return fmt.Errorf("store import: %w", err)
	}
	var types []store.Type
	for _, t := range head.Types {
		types = append(types, store.Type{Name: t.Name, Path: t.Path, Split: t.Split})
	}
	ctx, cancel := o.limited(ctx)
	defer cancel()
	return i.write(ctx, o, name, types, func(z *store.ZooKeeper) error {
		there, err := z.Load(ctx)
		if err == nil && len(there) > 0 && !i.Merge {
			err = fmt.Errorf("%w: %d. With --merge those with the same key are replaced", errNotEmpty, len(there))
		}
		if err != nil {
			return fmt.Errorf("store import: %w", err)
		}
		done, err := i.all(ctx, z, records)
		if err != nil {
			return fmt.Errorf("store import: %d of %d records are written, up to the one in front of %s: %w", done, len(records), records[done].Key, err)
		}
		return printf(s.Out, "%d records\n", done)
	})
}

// all writes records, in batches.
func (i StoreImport) all(ctx context.Context, z *store.ZooKeeper, records []store.Record) (done int, err error) {
	const most, bytes = 200, 256 << 10 // in one batch
	for done < len(records) {
		var batch []store.Change
		for size := 0; done+len(batch) < len(records) && len(batch) < most && (size < bytes || len(batch) == 0); {
			r := records[done+len(batch)]
			change := store.Create(r.Key, r.Data)
			if i.Merge {
				change.If = store.Any
			}
			batch, size = append(batch, change), size+len(r.Data)
		}
		if _, err := z.Apply(ctx, batch...); err != nil {
			return done, err
		}
		done += len(batch)
	}
	return done, nil
}

// readExport reads and checks an export.
func readExport(in io.Reader) (head exportHead, records []store.Record, err error) {
	sum := sha256.New()
	lines := bufio.NewReader(in)
	damaged := func(format string, args ...any) (exportHead, []store.Record, error) {
		return head, nil, fmt.Errorf("%w: %s", store.ErrDamaged, fmt.Sprintf(format, args...))
	}
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF):
			return damaged("the export ends before its last line: it is not whole")
		case err != nil:
			return head, nil, fmt.Errorf("standard input cannot be read: %w", err)
		}
		if number == 1 {
			if err := json.Unmarshal(line, &head); err != nil || head.Format < 1 {
				return damaged("line 1 is not that of an export")
			}
			if head.Format > exportFormat {
				return head, nil, fmt.Errorf("%w: the export has format %d, and this build knows formats up to %d", store.ErrNewer, head.Format, exportFormat)
			}
			_, _ = io.Copy(sum, bytes.NewReader(line)) // a hash has no error
			continue
		}
		var one struct {
			storeLine
			Records *int   `json:"records"`
			Sum     string `json:"sha256"`
		}
		if err := json.Unmarshal(line, &one); err != nil {
			return damaged("line %d: %v", number, err)
		}
		if one.Records != nil {
			if *one.Records != len(records) || one.Sum != hex.EncodeToString(sum.Sum(nil)) {
				return damaged("the last line says %d records and another checksum, and there are %d", *one.Records, len(records))
			}
			return head, records, nil
		}
		one.SHA256 = one.Sum
		r, err := one.record()
		if err != nil {
			return damaged("line %d: %v", number, err)
		}
		records = append(records, r)
		_, _ = io.Copy(sum, bytes.NewReader(line))
	}
}
