package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Parts are the parts that a run may record: files, and the folder of logs. The
// manifest says of each that it was recorded, or why it was not.
var Parts = []string{ConfigFile, HistoryFile, WireFile, CommittedFile, FaultsFile, EvidenceFile, LogsFolder}

// ManifestVersion is the version of the manifest's format; a reader refuses any other.
const ManifestVersion = 1

// Manifest says which parts of a run were recorded. It is written last, when nothing is
// added to the run any more. So a part that was never recorded can be told from a part
// that was lost.
type Manifest struct {
	Version int    `json:"manifest"`
	Run     string `json:"run"` // name of the folder in which the run was recorded
	Seed    uint64 `json:"seed"`
	// Excerpt names the run of which this is a part, and the violation it shows; it is
	// empty for a whole run. An excerpt can show a violation, but it cannot show that a
	// run is valid.
	Excerpt string     `json:"excerpt,omitempty"`
	Files   []Recorded `json:"files"`
	Absent  []Absence  `json:"not_recorded"`
	// Sum is the SHA-256 of the manifest's JSON with an empty Sum. It shows damage; it is
	// not a signature.
	Sum string `json:"sum"`

	// Inferred says that the run left no manifest, because it is older than manifests.
	// This manifest was made from the other files.
	Inferred bool `json:"-"`
}

// Recorded is one file as it was when the run had ended.
type Recorded struct {
	Name   string `json:"name"` // path below the run's folder, with slashes
	Bytes  int64  `json:"bytes"`
	Lines  int    `json:"lines"` // line ends in the file
	SHA256 string `json:"sha256"`
}

// Absence is a part of a run that did not exist when the run ended.
type Absence struct {
	Name    string `json:"name"` // one of Parts
	Because string `json:"because"`
	// Failed says that the part should have been recorded and could not be.
	Failed bool `json:"failed,omitempty"`
}

// AsExcerpt is the manifest of a part of this run; the text names the run and the
// reason.
func (m *Manifest) AsExcerpt(text string) *Manifest {
	e := &Manifest{Excerpt: text}
	if m != nil {
		e.Run, e.Seed = m.Run, m.Seed
	}
	return e
}

// Lacks finds out whether a part was not recorded, and why.
func (m *Manifest) Lacks(part string) (Absence, bool) {
	i := slices.IndexFunc(m.Absent, func(a Absence) bool { return a.Name == part })
	if i < 0 {
		return Absence{}, false
	}
	return m.Absent[i], true
}

// has reports whether files of a part were recorded.
func (m *Manifest) has(part string) bool {
	return slices.ContainsFunc(m.Files, func(f Recorded) bool { return partOf(f.Name) == part })
}

// partOf is the part to which a file belongs.
func partOf(name string) string {
	first, _, below := strings.Cut(name, "/")
	if below && first != LogsFolder {
		return name
	}
	return first
}

// Seal measures the files of a folder and writes the manifest. The manifest also names
// everything else that should be there. After an error there is no manifest that can be
// trusted.
func Seal(dir string, m Manifest) error {
	m.Version, m.Files = ManifestVersion, []Recorded{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if name = filepath.ToSlash(name); err != nil || name == "." || slices.Contains(Parts, partOf(name)) && entry.IsDir() {
			return err
		}
		if entry.IsDir() {
			return fs.SkipDir
		}
		if !slices.Contains(Parts, partOf(name)) {
			return nil
		}
		file, err := measure(path)
		file.Name = name
		m.Files = append(m.Files, file)
		return err
	})
	for _, part := range Parts {
		if _, absent := m.Lacks(part); err == nil && absent == m.has(part) {
			err = fmt.Errorf("%s: a part of a run must be recorded, or the manifest must say why it is not: absent is %v", part, absent)
		}
	}
	if err == nil {
		m.Sum = m.sum()
		err = writeManifest(filepath.Join(dir, ManifestFile), m)
	}
	if err != nil {
		return fmt.Errorf("record: %s in %s: %w", ManifestFile, dir, err)
	}
	return nil
}

// writeManifest writes the whole manifest, or nothing.
func writeManifest(path string, m Manifest) error {
	data, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return err
	}
	return Replace(path, append(data, '\n'))
}

// sum is the checksum of the manifest's contents.
func (m Manifest) sum() string {
	m.Sum = ""
	if m.Absent == nil {
		m.Absent = []Absence{}
	}
	data, err := json.Marshal(m)
	if err != nil {
		panic(err) // it consists of strings and numbers
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// measure reads a file to its end.
func measure(path string) (r Recorded, err error) {
	file, err := OpenRegular(path)
	if err != nil {
		return r, err
	}
	defer file.Close()
	hash, buffer := sha256.New(), make([]byte, blockSize)
	for {
		n, err := file.Read(buffer)
		r.Bytes += int64(n)
		r.Lines += bytes.Count(buffer[:n], []byte{'\n'})
		hash.Write(buffer[:n])
		if errors.Is(err, io.EOF) {
			r.SHA256 = hex.EncodeToString(hash.Sum(nil))
			return r, nil
		}
		if err != nil {
			return r, err
		}
	}
}

// ReadManifest reads the manifest of a folder. If there is none, it returns nil and an
// error that is [os.ErrNotExist]. If the manifest is damaged, or newer than this
// program, it returns nil and an error that [Loss] can use.
func ReadManifest(dir string) (*Manifest, error) {
	data, err := ReadRegular(filepath.Join(dir, ManifestFile))
	if err != nil {
		return nil, err
	}
	var m Manifest
	switch err := decodeJSON(data, &m); {
	case err != nil:
		return nil, fmt.Errorf("is damaged: %w", err)
	case m.Version > ManifestVersion:
		return nil, fmt.Errorf("has format %d, and this program knows %d: use the program that made it, or a later one", m.Version, ManifestVersion)
	case m.Version != ManifestVersion || m.Sum != m.sum():
		return nil, errors.New("is damaged: its checksum does not fit")
	}
	return &m, nil
}

// Losses compares a folder with its manifest: all of it, or only the files of that name.
func (m *Manifest) Losses(dir string, only ...string) []Loss {
	var all []Loss
	for _, f := range m.Files {
		if len(only) > 0 && !slices.Contains(only, f.Name) {
			continue
		}
		if problem := f.compare(dir); problem != "" {
			all = append(all, lost(f.Name, "%s", problem))
		}
	}
	if len(all) > 1 && len(all) == len(m.Files) {
		return []Loss{lost(ManifestFile, "belongs to another run, %s: none of its %d files is as it says", m.Run, len(all))}
	}
	for _, part := range Parts {
		absence, absent := m.Lacks(part)
		if len(only) > 0 && !slices.Contains(only, part) || !absent {
			continue
		}
		if _, err := os.Lstat(filepath.Join(dir, part)); err == nil && part != LogsFolder {
			all = append(all, lost(part, "exists, but %s says that it was not recorded: %s", ManifestFile, absence.Because))
		}
	}
	return all
}

// compare says how a file differs from its record in the manifest; it is empty if it
// does not.
func (f Recorded) compare(dir string) string {
	size := fmt.Sprintf("%d lines, %d bytes", f.Lines, f.Bytes)
	if !filepath.IsLocal(f.Name) {
		return "is not in the folder of the run"
	}
	now, err := measure(filepath.Join(dir, f.Name))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("is missing; %s were recorded", size)
	case err != nil:
		return fmt.Sprintf("cannot be read (%v); %s were recorded", err, size)
	case now.Bytes != f.Bytes:
		return fmt.Sprintf("has %d lines, %d bytes; %s were recorded", now.Lines, now.Bytes, size)
	case now.SHA256 != f.SHA256:
		return fmt.Sprintf("has another SHA-256 than the recorded file, with the same length (%s)", size)
	}
	return ""
}
