package main

import (
	"context"
	"log"
	"os"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"example.com/testing-go/kubesimtest"
)

var server *kubesimtest.Server

func TestMain(m *testing.M) {
	var err error
	if server, err = kubesimtest.Start(); err != nil {
		log.Fatal(err)
	}
	code := m.Run()
	if err := server.Close(); err != nil {
		log.Print(err)
	}
	os.Exit(code)
}

func TestReplicasComeUp(t *testing.T) {
	t.Parallel()
	cluster := server.Cluster(t, kubesimtest.Wish{"nodes": 2})
	deployments := kubernetes.NewForConfigOrDie(cluster.Config).AppsV1().Deployments("default")
	create(t, deployments.Create)
	cluster.Settle("0s")
	web, err := deployments.Get(context.Background(), "web", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if web.Status.ReadyReplicas != 3 {
		t.Fatalf("%d of 3 replicas are ready", web.Status.ReadyReplicas)
	}
}

func TestWithoutNodesNothingRuns(t *testing.T) {
	t.Parallel()
	cluster := server.Cluster(t, kubesimtest.Wish{"nodes": 0})
	client := kubernetes.NewForConfigOrDie(cluster.Config)
	create(t, client.AppsV1().Deployments("default").Create)
	cluster.Advance("1h")
	pods, err := client.CoreV1().Pods("default").List(context.Background(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) != 3 {
		t.Fatalf("there are %d pods, not 3", len(pods.Items))
	}
	for _, pod := range pods.Items {
		if pod.Status.Phase != corev1.PodPending {
			t.Errorf("%s is %s", pod.Name, pod.Status.Phase)
		}
	}
}

type creator func(context.Context, *appsv1.Deployment, metav1.CreateOptions) (*appsv1.Deployment, error)

// create makes a Deployment of three.
func create(t *testing.T, create creator) {
	t.Helper()
	replicas := int32(3)
	labels := map[string]string{"app": "web"}
	web := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}},
			},
		},
	}
	if _, err := create(context.Background(), web, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}
