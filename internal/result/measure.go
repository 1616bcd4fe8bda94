package result

// Names of the measures that every run has. Those of one load have its name and a dot
// before them, those of one kind of its requests "LOAD/CLASS.".
const (
	MeasureP50        = "response.p50" // of OK responses, as all latencies here
	MeasureP99        = "response.p99"
	MeasureP999       = "response.p99.9"
	MeasureFailed     = "failed"
	MeasureRetried    = "retried"
	MeasureThroughput = "throughput"  // requests that ended well, a second
	MeasureCPU        = "cpu/request" // time of the proxy, by request that ended well
	MeasureCPUUser    = "cpu.user/request"
	MeasureCPUSystem  = "cpu.system/request"
	MeasureMemory     = "memory" // most that the proxy held at once
	// MeasureRecovery stands before the number of an event and what it was.
	MeasureRecovery = "recovery"
	// MeasureCrashes counts the runs in which the proxy ended when it should not have;
	// it is of comparisons, not of a run.
	MeasureCrashes = "crashes"
)

// GatedMeasures are those that decide a comparison unless a scenario says otherwise.
func GatedMeasures() []string {
	return []string{MeasureP50, MeasureP99, MeasureCPU, MeasureFailed}
}

// LoadMeasures are those that every load has for itself.
func LoadMeasures() []string {
	return []string{MeasureP50, MeasureP99, MeasureP999, MeasureFailed, MeasureRetried, MeasureThroughput}
}

// ProxyMeasures are those of the proxy, which has all loads together.
func ProxyMeasures() []string {
	return []string{MeasureCPU, MeasureCPUUser, MeasureCPUSystem, MeasureMemory}
}
