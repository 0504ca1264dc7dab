from cluster import cgroups


def test_each_hierarchy_of_version_1_gets_the_cgroup(tmp_path):
    for controller in ("memory", "cpuset"):
        (tmp_path / controller).mkdir()
    (tmp_path / "cpu,cpuacct").symlink_to(tmp_path / "memory")
    cgroups.create("tailrace/one", tmp_path)
    assert (tmp_path / "memory/tailrace/one").is_dir()
    assert (tmp_path / "cpuset/tailrace/one").is_dir()


def test_an_empty_cpuset_takes_over_its_parents_processors(tmp_path):
    parent, child = tmp_path / "cpuset", tmp_path / "cpuset/tailrace"
    child.mkdir(parents=True)
    for name in ("cpuset.cpus", "cpuset.mems"):
        (parent / name).write_text("0-1\n")
        (child / name).write_text("\n")
    cgroups.create("tailrace", tmp_path)
    assert (child / "cpuset.cpus").read_text() == "0-1\n"


def test_version_2_hands_its_controllers_down(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("memory\n")
    (tmp_path / "cgroup.subtree_control").write_text("")
    cgroups.create("tailrace/one", tmp_path)
    assert (tmp_path / "tailrace/one").is_dir()
    assert (tmp_path / "cgroup.subtree_control").read_text() == "+memory"


def test_removal_takes_what_is_below_and_spares_other_clusters(tmp_path):
    below = tmp_path / "memory/tailrace/one/kubepods/pod"
    below.mkdir(parents=True)
    cgroups.create("tailrace/two", tmp_path)
    cgroups.remove("tailrace/one", tmp_path)
    assert not (tmp_path / "memory/tailrace/one").exists()
    assert (tmp_path / "memory/tailrace/two").is_dir()
    cgroups.remove("tailrace/two", tmp_path)
    assert not (tmp_path / "memory/tailrace").exists()
