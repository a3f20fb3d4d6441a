//! Load: connections that stay, each asked again as soon as it has answered.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a run of load measured.
pub(crate) struct Measured {
    /// Requests answered a second.
    pub(crate) per_second: f64,
    /// Microseconds of the server's CPU time per request.
    pub(crate) cpu_us: f64,
    /// Microseconds at the 50th, 95th and 99th percentile.
    pub(crate) latency_us: [u64; 3],
    /// Answers that were not as expected.
    pub(crate) odd: u64,
}

/// Asks a server from so many connections, for so long. A request is made anew each time.
pub(crate) fn run(
    address: &str,
    pid: u32,
    connections: usize,
    duration: Duration,
    request: impl Fn(usize, u64) -> Vec<u8> + Sync,
    expected: &str,
) -> Measured {
    let stop = AtomicBool::new(false);
    let (begun, cpu) = (Instant::now(), cpu_seconds(pid));
    let results: Vec<(Vec<u64>, u64)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..connections)
            .map(|number| {
                let (stop, request) = (&stop, &request);
                scope.spawn(move || one(address, stop, expected, |count| request(number, count)))
            })
            .collect();
        std::thread::sleep(duration);
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("a client")).collect()
    });
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds(pid) - cpu);
    let odd = results.iter().map(|(_, odd)| odd).sum();
    let mut latencies: Vec<u64> =
        results.into_iter().flat_map(|(latencies, _)| latencies).collect();
    latencies.sort_unstable();
    let at =
        |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or(0);
    Measured {
        per_second: latencies.len() as f64 / seconds,
        cpu_us: cpu * 1e6 / latencies.len().max(1) as f64,
        latency_us: [at(0.50), at(0.95), at(0.99)],
        odd,
    }
}

fn one(
    address: &str,
    stop: &AtomicBool,
    expected: &str,
    request: impl Fn(u64) -> Vec<u8>,
) -> (Vec<u64>, u64) {
    let stream = TcpStream::connect(address).expect("a connection");
    stream.set_nodelay(true).expect("a quick connection");
    let mut writer = stream.try_clone().expect("a connection");
    let mut reader = BufReader::with_capacity(64 * 1024, stream);
    let (mut latencies, mut odd) = (Vec::new(), 0);
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        writer.write_all(&request(latencies.len() as u64)).expect("a request");
        let status = read_answer(&mut reader).0;
        latencies.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
        if status != expected {
            odd += 1;
        }
    }
    (latencies, odd)
}

/// The status and the body of one answer.
pub(crate) fn read_answer(reader: &mut impl BufRead) -> (String, Vec<u8>) {
    let mut line = String::new();
    reader.read_line(&mut line).expect("an answer");
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut length = 0;
    loop {
        line.clear();
        reader.read_line(&mut line).expect("a header");
        let header = line.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().expect("a length");
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).expect("a body");
    (status, body)
}

/// Asks once.
pub(crate) fn ask(address: &str, request: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(request).expect("a request");
    read_answer(&mut BufReader::new(stream))
}

/// User and system time of a process, from `/proc`.
pub(crate) fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(") ").next().unwrap_or_default();
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks =
        |index: usize| fields.get(index).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    // utime and stime are fields 14 and 15; the name and the pid before them are cut off. A tick is 10 ms.
    (ticks(11) + ticks(12)) / 100.0
}

/// Prints one line; where no process of its own worked, nothing of its work.
pub(crate) fn show(name: &str, measured: &Measured, baseline: &Measured) {
    let [p50, p95, p99] = measured.latency_us;
    let (cpu, ratio) = if measured.cpu_us.is_nan() || baseline.cpu_us.is_nan() {
        (String::new(), String::new())
    } else {
        let ratio = baseline.cpu_us / measured.cpu_us.max(0.001);
        (format!("{:.1} us CPU", measured.cpu_us), format!(", x{ratio:.2} CPU"))
    };
    println!(
        "{name:<44} {:>9.0}/s {cpu:>15}   p50 {p50:>6} p95 {p95:>6} p99 {p99:>6} us   x{:.2} rate{ratio}{}",
        measured.per_second,
        measured.per_second / baseline.per_second,
        if measured.odd == 0 { String::new() } else { format!("   {} ODD ANSWERS", measured.odd) }
    );
}
