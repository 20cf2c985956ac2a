package history

import "testing"

// TestKeyOf_ReadsTheZnodesOfRecords: each znode of a record has its key, and no other znode has one.
func TestKeyOf_ReadsTheZnodesOfRecords(t *testing.T) {
	for at, want := range map[string]string{
		apps + "/application_00/42":             "apps/application_0042",
		apps + "/application_00/42/attempt_1":   "apps/application_0042/attempt_1",
		apps + "/application_00/42/attempt_1/x": "apps/application_0042/attempt_1/x",
		apps + "/application_00":                "", apps: "", Root: "", Epoch: "", Parts + "/0000000001-x": "",
		ServingPath: Serving, single: "",
	} {
		if got := KeyOf(at); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
	if got := ObjectOf(apps + "/application_00/42/attempt_1"); got != "apps/application_0042" {
		t.Errorf("%q", got)
	}
}

// TestPartOf_ReadsTheZnodesOfParts: a group, a part of one, and the epoch of its name.
func TestPartOf_ReadsTheZnodesOfParts(t *testing.T) {
	if group, n, is := PartOf(Parts + "/0000000012-x"); group != "0000000012-x" || n != -1 || !is {
		t.Errorf("%q, %d, %v", group, n, is)
	}
	if group, n, is := PartOf(Parts + "/0000000012-x/0003"); group != "0000000012-x" || n != 3 || !is {
		t.Errorf("%q, %d, %v", group, n, is)
	}
	if _, _, is := PartOf(apps + "/application_00/42"); is {
		t.Error("a record is a part")
	}
	if epoch, is := EpochOfGroup("0000000012-x"); epoch != 12 || !is {
		t.Errorf("%d, %v", epoch, is)
	}
}

// TestReadData_ReadsValuesAndPointers: the value itself, one that begins as a pointer does, and a pointer.
func TestReadData_ReadsValuesAndPointers(t *testing.T) {
	for data, want := range map[string]string{"text": "text", "": "", "@=@parts of it": "@parts of it"} {
		if value, at, is := ReadData(data); value != want || at != nil || !is {
			t.Errorf("%q: %q, %v, %v", data, value, at, is)
		}
	}
	if value, at, is := ReadData("@parts 0000000012-x 3 1500 00ff"); !is || value != "" || at == nil || *at != (Pointer{"0000000012-x", 3, 1500}) {
		t.Errorf("%q, %v, %v", value, at, is)
	}
	for _, data := range []string{"@", "@parts x", "@parts x y 1 z"} {
		if _, _, is := ReadData(data); is {
			t.Errorf("%q is data of the recipe", data)
		}
	}
}
