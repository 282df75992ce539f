import { Runtime } from '@temporalio/worker';

const INTERVAL_MS = 5000;

/** Memory and processor time of this process among its Prometheus metrics, until the returned function is called. */
export function startProcessMetrics(): () => void {
  const { metricMeter } = Runtime.instance();
  const memory = metricMeter.createGauge('process_resident_memory_bytes', 'int', '', 'Resident memory.');
  // A counter of the SDK counts whole numbers: seconds would be too coarse.
  const processor = metricMeter.createCounter('process_cpu_milliseconds', '', 'Processor time, all threads.');
  let last = process.cpuUsage();
  let owed = 0;
  const record = (): void => {
    memory.set(process.memoryUsage.rss());
    const spent = process.cpuUsage(last);
    last = process.cpuUsage();
    owed += (spent.user + spent.system) / 1000;
    const whole = Math.floor(owed);
    owed -= whole;
    processor.add(whole);
  };
  record();
  const timer = setInterval(record, INTERVAL_MS);
  return () => clearInterval(timer);
}
