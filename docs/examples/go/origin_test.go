// An origin for each test, from Go's standard library alone. Run: go test origin_test.go
// HEADWATER says how to start it: `headwater` when it is absent.
package origin

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Origin is a Headwater on free ports, with a data directory of its own.
type Origin struct {
	DataPlaneURL string `json:"dataPlaneUrl"`
	AdminURL     string `json:"adminUrl"`
	EncoderKey   string `json:"-"`
	PlayerKey    string `json:"-"`
}

// Start runs one until the test ends.
func Start(t *testing.T, flags ...string) *Origin {
	t.Helper()
	dir := t.TempDir()
	setting := os.Getenv("HEADWATER")
	if setting == "" {
		setting = "headwater"
	}
	args := append(strings.Fields(setting),
		"serve", "--port", "0", "--admin-port", "0", "--data-dir", dir)
	command := exec.Command(args[0], append(args[1:], flags...)...)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait()
	})
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatalf("headwater did not start: %v", err)
	}
	origin := &Origin{}
	if err := json.Unmarshal(line, origin); err != nil {
		t.Fatal(err)
	}
	origin.EncoderKey = readKey(t, dir, "encoder")
	origin.PlayerKey = readKey(t, dir, "player")
	return origin
}

// Do sends a request for a key of the cache live-origin and returns status and body.
func (o *Origin) Do(t *testing.T, method, key, body string) (int, string) {
	t.Helper()
	url := o.DataPlaneURL + "/cache/live-origin/" + key + "?ttl_seconds=60"
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", o.PlayerKey)
	if method == http.MethodPut {
		request.Header.Set("Authorization", o.EncoderKey)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	got, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(got)
}

func readKey(t *testing.T, dir, role string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, role+"-key.json"))
	if err != nil {
		t.Fatal(err)
	}
	var info struct {
		APIKey string `json:"apiKey"`
	}
	if err := json.Unmarshal(text, &info); err != nil {
		t.Fatal(err)
	}
	return info.APIKey
}

func TestWhatIsPushedCanBePulled(t *testing.T) {
	origin := Start(t)
	if status, _ := origin.Do(t, http.MethodPut, "playlist.m3u8", "#EXTM3U\n"); status != 204 {
		t.Fatalf("PUT: %d", status)
	}
	if status, body := origin.Do(t, http.MethodGet, "playlist.m3u8", ""); body != "#EXTM3U\n" {
		t.Fatalf("GET: %d %q", status, body)
	}
	if status, _ := origin.Do(t, http.MethodGet, "nothing.ts", ""); status != 404 {
		t.Fatalf("GET of nothing: %d", status)
	}
}
