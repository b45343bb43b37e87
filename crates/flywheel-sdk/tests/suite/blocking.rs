//! The same client without an async runtime.

use flywheel::{
    Client,
    blocking::{Block, BlockIter},
};

#[test]
fn requests_and_streams_work_without_a_runtime() {
    let server = tokio::runtime::Runtime::new().unwrap();
    let bench = server.block_on(crate::bench::Bench::open());
    let fw = Client::new(bench.running.api_key()).unwrap();
    let project = fw.add_group("gg", "G").block().unwrap().add_project("P").block().unwrap();
    for n in 0..5 {
        project.add_subject(format!("s{n}")).block().unwrap();
    }
    let labels: Vec<String> = project
        .subjects()
        .page_size(2)
        .iter()
        .block_iter()
        .map(|subject| subject.unwrap().label().to_owned())
        .collect();
    assert_eq!(labels, ["s0", "s1", "s2", "s3", "s4"]);
    assert_eq!(project.subjects().block().unwrap().len(), 5);
    let from_threads: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|_| scope.spawn(|| project.subjects().block().unwrap().len())).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(from_threads, [5; 4]);
}
