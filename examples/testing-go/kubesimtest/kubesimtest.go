// Package kubesimtest gives every test a cluster of its own, in milliseconds and with its time in hand: it speaks to
// `kubesim test-server`, which it starts as a child of the test run. Config is what envtest's Start gives: for client-go and
// controller-runtime alike.
package kubesimtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// Server is one test server, for the whole run.
type Server struct {
	URL string

	cmd   *exec.Cmd
	stdin io.Closer
}

// Start runs the command kubesim, or what $KUBESIM says. It ends with this process, however that ends: its standard input does.
func Start() (*Server, error) {
	words := strings.Fields(os.Getenv("KUBESIM"))
	if len(words) == 0 {
		words = []string{"kubesim"}
	}
	words = append(words, "test-server", "--port", "0", "--with-stdin", "--output", "json")
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	server := &Server{cmd: cmd, stdin: stdin}
	if err := json.NewDecoder(stdout).Decode(server); err != nil {
		_ = server.Close()
		return nil, fmt.Errorf("the test server did not start: %w", err)
	}
	return server, nil
}

// Close ends it, with all its clusters.
func (s *Server) Close() error {
	if err := s.stdin.Close(); err != nil {
		return err
	}
	return s.cmd.Wait()
}

// Wish is what a cluster is to be like: the body of POST /clusters (docs/test-server.md).
type Wish map[string]any

// Cluster is one test's own, and ends with it.
type Cluster struct {
	Name       string
	URL        string
	Kubeconfig string
	Config     *rest.Config `json:"-"`

	t testing.TB
}

// Cluster makes one.
func (s *Server) Cluster(t testing.TB, wish Wish) *Cluster {
	t.Helper()
	cluster := &Cluster{t: t}
	ask(t, http.MethodPost, s.URL+"/clusters", wish, cluster)
	t.Cleanup(func() { ask(t, http.MethodDelete, cluster.URL, nil, nil) })
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(cluster.Kubeconfig))
	if err != nil {
		t.Fatal(err)
	}
	cluster.Config = config
	return cluster
}

// Settle lets happen what is to happen. A controller of this process has so long for its answer to each change.
func (c *Cluster) Settle(patience string) {
	c.t.Helper()
	var told struct {
		Settled   bool
		Unsettled json.RawMessage
	}
	ask(c.t, http.MethodPost, c.URL+"/kubesim/v1alpha1/clock/settle", map[string]any{"patience": patience}, &told)
	if !told.Settled {
		c.t.Fatalf("not at rest; written last: %s", told.Unsettled)
	}
}

// Advance moves the cluster's time: "90s", "24h".
func (c *Cluster) Advance(by string) {
	c.t.Helper()
	ask(c.t, http.MethodPost, c.URL+"/kubesim/v1alpha1/clock/advance", map[string]any{"by": by}, nil)
}

// ask sends JSON and reads JSON; what is refused fails the test, in the server's words.
func ask(t testing.TB, method, url string, body any, into any) {
	t.Helper()
	var sent bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&sent).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	request, err := http.NewRequest(method, url, &sent)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode >= 300 {
		t.Fatalf("%s %s: %s", method, url, text)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			t.Fatal(err)
		}
	}
}
