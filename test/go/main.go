// A cluster's life as a program in Go drives it, with CloudStack's own SDK. Every answer is checked; the first that is wrong ends it.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/apache/cloudstack-go/v2/cloudstack"
)

func check(what string, holds bool, found any) {
	if !holds {
		fmt.Fprintf(os.Stderr, "%s: found %+v\n", what, found)
		os.Exit(1)
	}
	fmt.Println(what)
}

func must(what string, err error) {
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", what, err)
		os.Exit(1)
	}
}

func main() {
	cs := cloudstack.NewAsyncClient(os.Getenv("CLOUDSTACK_ENDPOINT"), os.Getenv("CLOUDSTACK_KEY"), os.Getenv("CLOUDSTACK_SECRET"), true)
	cs.AsyncTimeout(60)
	kubernetes := cs.Kubernetes

	zone, count, err := cs.Zone.GetZoneByName("sim-1")
	must("zone", err)
	check("the zone is found by its name", count == 1, count)
	offering, _, err := cs.ServiceOffering.GetServiceOfferingByName("small")
	must("offering", err)
	asked := kubernetes.NewListKubernetesSupportedVersionsParams()
	asked.SetZoneid(zone.Id)
	versions, err := kubernetes.ListKubernetesSupportedVersions(asked)
	must("versions", err)
	check("versions are listed", versions.Count >= 4, versions.Count)

	create := kubernetes.NewCreateKubernetesClusterParams("made in Go: ü & +", versions.KubernetesSupportedVersions[0].Id, "from-go", offering.Id, 1, zone.Id)
	create.SetControlnodes(1)
	made, err := kubernetes.CreateKubernetesCluster(create)
	must("create", err)
	check("a create is waited for, and answers the cluster", made.State == "Running" && made.Description == "made in Go: ü & +", made)
	check("machines are told with it", len(made.Virtualmachines) == 2, made.Virtualmachines)

	found, _, err := kubernetes.GetKubernetesClusterByName("from-go")
	must("list", err)
	check("the cluster is listed by its name", found.Id == made.Id && found.Size == 1 && found.Controlnodes == 1, found)

	scale := kubernetes.NewScaleKubernetesClusterParams(made.Id)
	scale.SetSize(2)
	scaled, err := kubernetes.ScaleKubernetesCluster(scale)
	must("scale", err)
	check("a scale answers the new size", scaled.Size == 2 && scaled.State == "Running", scaled)

	get := kubernetes.NewGetKubernetesClusterConfigParams()
	get.SetId(made.Id)
	config, err := kubernetes.GetKubernetesClusterConfig(get)
	must("config", err)
	check("the kubeconfig is there", strings.Contains(fmt.Sprint(config), "client-key-data"), "another text")

	_, err = kubernetes.ScaleKubernetesCluster(kubernetes.NewScaleKubernetesClusterParams("11111111-2222-3333-4444-555555555555"))
	check("a refusal is an error with its code", err != nil && strings.Contains(err.Error(), "431"), err)

	stopped, err := kubernetes.StopKubernetesCluster(kubernetes.NewStopKubernetesClusterParams(made.Id))
	must("stop", err)
	check("a stop succeeds", stopped.Success, stopped)
	started, err := kubernetes.StartKubernetesCluster(kubernetes.NewStartKubernetesClusterParams(made.Id))
	must("start", err)
	check("a start answers the cluster", started.State == "Running", started)

	gone, err := kubernetes.DeleteKubernetesCluster(kubernetes.NewDeleteKubernetesClusterParams(made.Id))
	must("delete", err)
	check("a delete succeeds", gone.Success, gone)
	left, err := kubernetes.ListKubernetesClusters(kubernetes.NewListKubernetesClustersParams())
	must("list", err)
	check("nothing is left", left.Count == 0, left.KubernetesClusters)
}
