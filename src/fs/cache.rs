//! A bounded cache of what can be found again from an inode number.

use std::sync::Arc;

use lru::LruCache;
use parking_lot::Mutex;

use crate::counter::HitCounter;

use super::InodeNo;

/// Values by inode number, least recently used first out once their weights exceed a limit.
pub struct Cache<V> {
    limit: u64,
    /// What came of each [`Cache::get`].
    pub hits: HitCounter,
    inner: Mutex<Inner<V>>,
}

struct Inner<V> {
    values: LruCache<InodeNo, (Arc<V>, u64)>,
    weight: u64,
}

impl<V> Cache<V> {
    /// Keeps values of `limit` together; the unit is the caller's.
    pub fn new(limit: u64) -> Cache<V> {
        let inner = Inner { values: LruCache::unbounded(), weight: 0 };
        Cache { limit, hits: HitCounter::default(), inner: Mutex::new(inner) }
    }

    /// A value that is still there.
    pub fn get(&self, ino: InodeNo) -> Option<Arc<V>> {
        let value = self.inner.lock().values.get(&ino).map(|(value, _)| value.clone());
        self.hits.note(value.is_some());
        value
    }

    /// Keeps a value; others may go for it, and all of them if it alone exceeds the limit.
    pub fn put(&self, ino: InodeNo, value: V, weight: u64) -> Arc<V> {
        let value = Arc::new(value);
        let mut inner = self.inner.lock();
        if let Some((_, old)) = inner.values.put(ino, (value.clone(), weight)) {
            inner.weight -= old;
        }
        inner.weight += weight;
        while inner.weight > self.limit && inner.values.len() > 1 {
            if let Some((_, (_, old))) = inner.values.pop_lru() {
                inner.weight -= old;
            }
        }
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_are_bounded_and_the_last_value_stays() {
        let cache = Cache::new(10);
        for i in 0..100 {
            cache.put(InodeNo(i), i, 3);
        }
        let kept: Vec<u64> = (0..100).filter(|&i| cache.get(InodeNo(i)).is_some()).collect();
        assert_eq!(kept, [97, 98, 99]);
        cache.put(InodeNo(7), 7, 1000);
        assert_eq!(cache.get(InodeNo(7)).as_deref(), Some(&7));
        assert_eq!(cache.get(InodeNo(99)), None);
    }
}
