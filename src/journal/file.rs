//! The file: opened by one process at a time, written by one thread, synced in groups.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::watch;

use super::frame::{self, Found, Frames, HEADING};

/// Records on their way to the file; whoever has more to say waits.
const BACKLOG: usize = 4096;

/// Most bytes that are written between two syncs.
const GROUP: usize = 4 << 20;

/// When a record counts as written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Synced together with what else has come while the last sync went on.
    #[default]
    Group,
    /// Synced by itself.
    Each,
}

/// A journal that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The file system says no.
    #[error("cannot {doing} the journal {}: {source}", path.display())]
    Io {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Another process holds it.
    #[error(
        "another process is at work on {}: wait for it, or end it",
        path.display()
    )]
    Locked {
        /// The file.
        path: PathBuf,
    },
    /// Good records stand behind bad bytes.
    #[error(
        "the journal {} is damaged at byte {offset}, with good records behind it: nothing has been \
         changed. Bring back a copy, or begin anew with --fresh",
        path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where the bad bytes begin.
        offset: u64,
    },
    /// Something else.
    #[error("{} is not a journal of streamgauge", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// A record holds what no version of this tool has written.
    #[error("the journal {} holds a record that cannot be understood, at byte {offset}: {why}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// Where it begins.
        offset: u64,
        /// What is wrong.
        why: String,
    },
}

/// An open journal, locked against other processes for as long as it lives.
#[derive(Debug)]
pub struct Journal {
    file: File,
    path: PathBuf,
    /// Number of the next frame.
    number: u64,
    /// Where it goes.
    end: u64,
}

impl Journal {
    /// Makes a new journal.
    ///
    /// # Errors
    /// There is one already, or it cannot be made.
    pub fn create(path: &Path) -> Result<Self, JournalError> {
        let io = |doing| Self::io(doing, path);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path);
        let mut file = file.map_err(io("create"))?;
        lock(&file, path)?;
        file.write_all(HEADING).and_then(|()| file.sync_all()).map_err(io("write"))?;
        // The name has to be on the disk as well.
        if let Some(folder) = path.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(io("sync"))?;
        }
        Ok(Self { file, path: path.to_owned(), number: 0, end: HEADING.len() as u64 })
    }

    /// Opens a journal to go on with: hands every record to `record` (with its place) and cuts off
    /// what was not wholly written.
    ///
    /// # Errors
    /// Another process holds it, it is damaged, or a record is refused.
    pub fn open(
        path: &Path,
        record: impl FnMut(u64, &[u8]) -> Result<(), String>,
    ) -> Result<Self, JournalError> {
        let io = |doing| Self::io(doing, path);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(io("open"))?;
        lock(&file, path)?;
        let (number, end) = read(&file, path, record)?;
        let mut journal = Self { file, path: path.to_owned(), number, end };
        journal.file.set_len(end).map_err(io("mend"))?;
        journal.file.seek(SeekFrom::Start(end)).map_err(io("read"))?;
        if end == 0 {
            journal.file.write_all(HEADING).map_err(io("mend"))?;
            journal.end = HEADING.len() as u64;
        }
        journal.file.sync_all().map_err(io("sync"))?;
        Ok(journal)
    }

    /// Reads the records of a journal that another process may be writing; what was not wholly
    /// written is passed over.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or a record is refused.
    pub fn look(
        path: &Path,
        record: impl FnMut(u64, &[u8]) -> Result<(), String>,
    ) -> Result<(), JournalError> {
        let file = File::open(path).map_err(Self::io("open", path))?;
        read(&file, path, record).map(|_| ())
    }

    /// Whether another process holds it.
    ///
    /// # Errors
    /// It does, or that cannot be found out.
    pub fn probe(path: &Path) -> Result<(), JournalError> {
        let file = File::open(path).map_err(Self::io("open", path))?;
        file.try_lock_shared().map_err(|error| match error {
            TryLockError::WouldBlock => JournalError::Locked { path: path.to_owned() },
            TryLockError::Error(source) => Self::io("lock", path)(source),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes one record and syncs it, before there is a thread for it.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn append(&mut self, payload: &[u8]) -> Result<(), JournalError> {
        let mut bytes = Vec::new();
        frame::write(&mut bytes, self.number, payload);
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        written.map_err(Self::io("write", &self.path))?;
        self.number += 1;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// Starts the thread that writes. `synced` is called there with every group of records once it is
    /// on the disk, each with its place; `failed` once, when nothing more can be written.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(
        self,
        durability: Durability,
        synced: impl FnMut(&[Sealed]) -> io::Result<()> + Send + 'static,
        failed: impl FnOnce() + Send + 'static,
    ) -> io::Result<(Seat, JoinHandle<Result<(), JournalError>>)> {
        let (sender, records) = sync_channel(BACKLOG);
        let (told, done) = watch::channel(Progress::default());
        let writer = Writer { journal: self, durability, told, synced };
        let body = move || {
            let ended = writer.run(&records);
            if ended.is_err() {
                failed();
                // Those who wait have been told; what still comes goes nowhere.
                while records.recv().is_ok() {}
            }
            ended
        };
        let thread = std::thread::Builder::new().name("journal".into()).spawn(body)?;
        Ok((Seat { records: Mutex::new((sender, 0)), done }, thread))
    }

    fn io(doing: &'static str, path: &Path) -> impl Fn(io::Error) -> JournalError {
        let path = path.to_owned();
        move |source| JournalError::Io { doing, path: path.clone(), source }
    }
}

fn lock(file: &File, path: &Path) -> Result<(), JournalError> {
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => JournalError::Locked { path: path.to_owned() },
        TryLockError::Error(source) => Journal::io("lock", path)(source),
    })
}

/// Reads to the end: the number of the next frame, and where it goes.
fn read(
    mut file: &File,
    path: &Path,
    mut record: impl FnMut(u64, &[u8]) -> Result<(), String>,
) -> Result<(u64, u64), JournalError> {
    file.seek(SeekFrom::Start(0)).map_err(Journal::io("read", path))?;
    let mut frames = Frames::new(BufReader::with_capacity(1 << 18, file).take(u64::MAX));
    let mut end = HEADING.len() as u64;
    loop {
        let path = path.to_owned();
        match frames.advance().map_err(Journal::io("read", &path))? {
            Found::Frame { offset, payload } => {
                record(offset, &payload).map_err(|why| JournalError::Record {
                    path,
                    offset,
                    why,
                })?;
                end = offset + frame::size(payload.len());
            }
            Found::End => return Ok((frames.number(), end)),
            Found::Torn { offset } => return Ok((frames.number(), offset)),
            Found::Damaged { offset } => return Err(JournalError::Damaged { path, offset }),
            Found::Foreign => return Err(JournalError::Foreign { path }),
        }
    }
}

/// A record that is on the disk.
#[derive(Debug)]
pub struct Sealed {
    /// What was written.
    pub payload: Vec<u8>,
    /// Where its frame begins.
    pub offset: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Progress {
    /// Records that are on the disk, of those that were handed over.
    synced: u64,
    failed: bool,
}

/// Where records are handed over, from any thread. When it is dropped, the writer ends.
#[derive(Debug)]
pub struct Seat {
    records: Mutex<(SyncSender<Vec<u8>>, u64)>,
    done: watch::Receiver<Progress>,
}

impl Seat {
    /// Hands a record over; it is on the disk when [`Seat::synced`] has returned for this number.
    pub fn hand(&self, payload: Vec<u8>) -> u64 {
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        // Sent under the lock: the numbers are those of the order in the file. A writer that is
        // gone has told why.
        let _ = records.0.send(payload);
        records.1 += 1;
        records.1
    }

    /// How many have been handed over.
    pub fn handed(&self) -> u64 {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).1
    }

    /// Waits until the first `count` records are on the disk; `false` if they never will be.
    pub async fn synced(&self, count: u64) -> bool {
        let mut done = self.done.clone();
        let state = done.wait_for(|progress| progress.synced >= count || progress.failed).await;
        state.is_ok_and(|progress| progress.synced >= count)
    }
}

struct Writer<S> {
    journal: Journal,
    durability: Durability,
    told: watch::Sender<Progress>,
    synced: S,
}

impl<S: FnMut(&[Sealed]) -> io::Result<()>> Writer<S> {
    fn run(mut self, records: &Receiver<Vec<u8>>) -> Result<(), JournalError> {
        let mut bytes = Vec::new();
        let mut group = Vec::new();
        let mut count = 0;
        while let Ok(first) = records.recv() {
            bytes.clear();
            group.clear();
            self.add(first, &mut bytes, &mut group);
            while self.durability == Durability::Group
                && bytes.len() < GROUP
                && let Ok(next) = records.try_recv()
            {
                self.add(next, &mut bytes, &mut group);
            }
            let file = &mut self.journal.file;
            let written = file.write_all(&bytes).and_then(|()| file.sync_data());
            count += group.len() as u64;
            let kept = written.map_err(Journal::io("write", &self.journal.path)).and_then(|()| {
                // Nobody waits for the view, but a view that cannot be written ends the run too.
                self.told.send_replace(Progress { synced: count, failed: false });
                (self.synced)(&group).map_err(|source| JournalError::Io {
                    doing: "write the results beside",
                    path: self.journal.path.clone(),
                    source,
                })
            });
            if let Err(error) = kept {
                self.told.send_modify(|progress| progress.failed = true);
                return Err(error);
            }
        }
        Ok(())
    }

    fn add(&mut self, payload: Vec<u8>, bytes: &mut Vec<u8>, group: &mut Vec<Sealed>) {
        let before = bytes.len();
        frame::write(bytes, self.journal.number, &payload);
        group.push(Sealed { payload, offset: self.journal.end });
        self.journal.number += 1;
        self.journal.end += (bytes.len() - before) as u64;
    }
}

/// Reads single records again, by the place they were written to.
#[derive(Debug)]
pub struct RecordReader {
    file: Mutex<File>,
    path: PathBuf,
}

impl RecordReader {
    /// Reads records of the journal at `path`.
    ///
    /// # Errors
    /// It cannot be opened.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        let file = File::open(path).map_err(Journal::io("open", path))?;
        Ok(Self { file: Mutex::new(file), path: path.to_owned() })
    }

    /// The payload of the frame at `offset`, which is known to be good.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn payload(&self, offset: u64) -> Result<Vec<u8>, JournalError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |file: &mut File| {
            file.seek(SeekFrom::Start(offset))?;
            let mut head = [0; 12];
            file.read_exact(&mut head)?;
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]);
            let mut payload = vec![0; length as usize];
            file.read_exact(&mut payload)?;
            Ok(payload)
        };
        read(&mut file).map_err(Journal::io("read", &self.path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_synced_is_read_again_and_a_second_process_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let journal = Journal::create(&path).unwrap();
        assert!(matches!(Journal::open(&path, |_, _| Ok(())), Err(JournalError::Locked { .. })));
        let (seat, thread) = journal.start(Durability::Group, |_| Ok(()), || {}).unwrap();
        let last = (0..100).map(|n| seat.hand(vec![n; 3])).last().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        assert!(runtime.block_on(seat.synced(last)));
        drop(seat);
        thread.join().unwrap().unwrap();
        let mut read = Vec::new();
        let mut places = Vec::new();
        let journal = Journal::open(&path, |offset, payload| {
            read.push(payload.to_vec());
            places.push(offset);
            Ok(())
        });
        drop(journal.unwrap());
        assert_eq!(read, (0..100).map(|n| vec![n; 3]).collect::<Vec<_>>());
        let reader = RecordReader::open(&path).unwrap();
        assert_eq!(reader.payload(places[41]).unwrap(), [41; 3]);
    }

    #[test]
    fn a_view_that_cannot_be_written_ends_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Journal::create(&folder.path().join("journal")).unwrap();
        let (told, heard) = sync_channel(1);
        let full = |_: &[Sealed]| Err(io::Error::other("the disk is full"));
        let (seat, thread) =
            journal.start(Durability::Each, full, move || told.send(()).unwrap()).unwrap();
        seat.hand(vec![1]);
        heard.recv().unwrap();
        seat.hand(vec![2]);
        drop(seat);
        let error = thread.join().unwrap().unwrap_err().to_string();
        assert!(error.contains("the disk is full"), "{error}");
    }
}
