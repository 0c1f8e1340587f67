//! A stand-in for the cache of the crate lru: it drops the oldest entry when it is full.

pub struct LruCache<K, V> {
    entries: Vec<(K, V)>,
    capacity: usize,
}

impl<K: PartialEq, V> LruCache<K, V> {
    pub fn new(capacity: usize) -> Self {
        LruCache {
            entries: Vec::new(),
            capacity,
        }
    }

    pub fn unbounded() -> Self {
        LruCache::new(usize::MAX)
    }

    pub fn put(&mut self, key: K, value: V) {
        self.entries.retain(|(other, _)| *other != key);
        if self.entries.len() == self.capacity {
            self.entries.remove(0);
        }
        self.entries.push((key, value));
    }

    pub fn get(&self, key: &K) -> Option<&V> {
        self.entries
            .iter()
            .find(|(other, _)| other == key)
            .map(|(_, value)| value)
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }
}
