package org.userload.hint;

import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import org.userload.hint.HintResult.Accepted;
import org.userload.hint.HintResult.Refused;
import org.userload.memory.GuestMemory;
import org.userload.memory.PageRange;

/**
 * Memory that a guest has lent to the host: inflating gives pages to the host, deflating gives them back as zero pages.
 *
 * <p><b>Pages</b> are numbered by guest address: page 5 of 4 KiB lies at guest address 0x5000.
 *
 * <p><b>The guest</b> is not trusted. A message is done as a whole or refused as a whole, see {@link ReleasedMemory}; one that
 * would leave the guest less than its floor is refused. What a guest writes to a page between inflating and deflating it may
 * be lost. Messages and hints of a guest must come in the order in which it has sent them.
 *
 * <p><b>In a migration</b> the pages in the balloon, and the address space in which the guest has no memory, are free, without
 * a look at the pages. They can change while the migration goes on. For the migrating thread there are, in this order, {@link
 * #attach}, {@link #collect} after each collection of dirty pages, {@link #freeze} before the guest is paused and the last
 * collection is made, and {@link #detach}. A page is first dropped, or made usable, and then noted as changed, and each collection takes the notes after the tracker's; so
 *
 * <ul>
 *   <li>whoever reads a page after the collection that took the note reads what it holds now, and one that was read before is
 *       sent again: no content from before an inflation survives at the destination, also not behind a page that the guest
 *       gets back and does not write to;
 *   <li>a write after a deflation is the tracker's: a dropped page has lost its write protection, and its next touch counts as a
 *       write ({@code userfaultfd} with asynchronous write protection), or the write itself sets the bit (page-access layer).
 *       The tracker may report the drop as a write; the note that is taken after it makes the page free again, if it is in the
 *       balloon still;
 *   <li>nothing changes behind the last collection, since the balloon is frozen before it.
 * </ul>
 *
 * <p><b>Threads.</b> Any; changes go one after the other. <b>Ownership.</b> None of the memory. <b>Errors.</b> When the kernel
 * does not drop a page, the message is undone and the error thrown; pages of it may be zero then.
 */
public final class Balloon {
    private final Object lock = new Object();
    private final GuestMemory memory;
    private final GuestPages space;
    private final ReleasedMemory released;

    /** Whether pages are in the balloon that another host has dropped, and that may hold anything here. */
    private final boolean inherited;

    private final List<Watcher> watchers = new CopyOnWriteArrayList<>();
    private @Nullable FreePages migrating;
    private RangeSet changed;
    private boolean frozen;

    /** Follows the balloon. */
    interface Watcher {
        /** A message was done. In the order of messages, under the balloon's lock. */
        void done(RangeBatch message, boolean inflated);

        /** After {@link #done}, without the lock. */
        void afterwards();
    }

    /**
     * A balloon, inflated as far as {@code released} says.
     *
     * @param released the guest's memory, which must lie in regions; changed only by this balloon from now on
     * @throws IllegalArgumentException when it does not
     */
    public Balloon(GuestMemory memory, ReleasedMemory released) {
        this(memory, released, false);
    }

    private Balloon(GuestMemory memory, ReleasedMemory released, boolean inherited) {
        this.memory = memory;
        this.space = new GuestPages(memory.table());
        this.released = released;
        this.inherited = inherited;
        this.changed = new RangeSet(released.mostPages());
        released.memory().forEach((first, count) -> {
            if (!space.contain(first, count)) {
                throw new IllegalArgumentException(
                        "the guest has " + count + " pages from page " + first + ", which do not all lie in regions");
            }
        });
    }

    /** A guest all of whose regions are memory, with an empty balloon. */
    public static Balloon empty(GuestMemory memory, long floorPages) {
        GuestPages space = new GuestPages(memory.table());
        ReleasedMemory released = new ReleasedMemory(space.end(), floorPages);
        for (int i = 0; i < space.regions(); i++) {
            released.addMemory(space.first(i), space.end(i) - space.first(i));
        }
        return new Balloon(memory, released);
    }

    /**
     * The balloon of a guest that comes from another host.
     *
     * @throws IllegalArgumentException when the state does not fit this memory
     */
    public static Balloon moved(GuestMemory memory, BalloonState state) {
        return new Balloon(memory, state.restore(new GuestPages(memory.table()).end()), true);
    }

    /** The guest lends these pages: their host memory is given back. */
    public HintResult inflate(RangeBatch message) {
        synchronized (lock) {
            HintResult result = frozen ? released.refused(Refusal.MOVING) : released.release(message);
            if (result instanceof Refused) {
                return result;
            }
            try {
                forEachRun(message, memory::drop);
            } catch (RuntimeException e) {
                released.reclaim(message);
                note(message, false);
                throw e;
            }
            note(message, true);
            tell(message, true);
        }
        watchers.forEach(Watcher::afterwards);
        return new Accepted(pages(message));
    }

    /** The guest gets these pages back: zero pages. It may use them once this has returned. */
    public HintResult deflate(RangeBatch message) {
        synchronized (lock) {
            HintResult result = frozen ? released.refused(Refusal.MOVING) : released.reclaim(message);
            if (result instanceof Refused) {
                return result;
            }
            if (inherited) {
                try {
                    forEachRun(message, memory::drop);
                } catch (RuntimeException e) {
                    released.release(message);
                    throw e;
                }
            }
            note(message, false);
            tell(message, false);
        }
        watchers.forEach(Watcher::afterwards);
        return new Accepted(pages(message));
    }

    private void note(RangeBatch message, boolean free) {
        FreePages pages = migrating;
        if (pages == null) {
            return;
        }
        for (int i = 0; i < message.size(); i++) {
            long first = message.first(i);
            long count = message.count(i);
            space.forEach(first, first + count, free ? pages::dropped : pages::used);
            changed.add(first, count);
        }
    }

    private void tell(RangeBatch message, boolean inflated) {
        for (Watcher watcher : watchers) {
            watcher.done(message, inflated);
        }
    }

    /** Gives the ranges of a message as pages of regions; those that follow each other as one. */
    private void forEachRun(RangeBatch message, ChangedPages pages) {
        long first = message.first(0);
        long end = first;
        for (int i = 0; i < message.size(); i++) {
            if (message.first(i) != end) {
                space.forEach(first, end, pages);
                first = message.first(i);
                end = first;
            }
            end += message.count(i);
        }
        space.forEach(first, end, pages);
    }

    private static long pages(RangeBatch message) {
        long sum = 0;
        for (int i = 0; i < message.size(); i++) {
            sum += message.count(i);
        }
        return sum;
    }

    /**
     * A migration begins: what is in the balloon, and what is no memory, is free, from now on whenever it changes. After the
     * tracking of writes has started and before the first page is sent.
     *
     * @throws IllegalStateException when another migration has the balloon
     */
    public void attach(FreePages pages) {
        synchronized (lock) {
            if (migrating != null) {
                throw new IllegalStateException("the balloon takes part in another migration");
            }
            migrating = pages;
            changed = new RangeSet(released.mostPages());
            for (int i = 0; i < space.regions(); i++) {
                markIdle(pages, space.first(i), space.end(i));
            }
        }
    }

    /**
     * Gives the pages whose content has changed without a write since the last call, and makes those free again that are in
     * the balloon. After each collection of dirty pages and before the next page is sent; on the migrating thread.
     */
    public void collect(ChangedPages sink) {
        synchronized (lock) {
            FreePages pages = migrating;
            if (pages == null) {
                throw new IllegalStateException("the balloon takes part in no migration");
            }
            if (changed.pages() == 0) {
                return;
            }
            RangeSet noted = changed;
            changed = new RangeSet(released.mostPages());
            noted.snapshot().forEach((first, count) -> {
                space.forEach(first, first + count, sink);
                markIdle(pages, first, first + count);
            });
        }
    }

    /** Marks as free what lies in a range and is in the balloon, or is no memory. */
    private void markIdle(FreePages pages, long first, long end) {
        for (long at = first; at < end; ) {
            Optional<PageRange> memoryHere = released.nextMemory(at);
            long memoryFirst = memoryHere.map(PageRange::first).orElse(end);
            long memoryEnd = Math.min(end, memoryHere.map(PageRange::end).orElse(end));
            space.forEach(at, Math.min(end, memoryFirst), pages::dropped);
            markReleased(pages, memoryFirst, memoryEnd);
            at = memoryEnd;
        }
    }

    private void markReleased(FreePages pages, long first, long end) {
        for (long at = first; at < end; ) {
            PageRange run = released.nextReleased(at).orElse(null);
            if (run == null || run.first() >= end) {
                return;
            }
            space.forEach(run.first(), Math.min(end, run.end()), pages::dropped);
            at = run.end();
        }
    }

    /**
     * The guest is about to be handed over: waits for the message that is being done, and has all later ones refused, until
     * the guest is found to stay. Before the last collection; and before the guest is paused, so that it need not stand still
     * for a large message.
     */
    public void freeze() {
        synchronized (lock) {
            frozen = true;
        }
    }

    /** The migration is over. When the guest runs on here, its messages count again. Idempotent. */
    public void detach(boolean guestIsHere) {
        synchronized (lock) {
            migrating = null;
            changed = new RangeSet(released.mostPages());
            frozen = frozen && !guestIsHere;
        }
    }

    /** What another host needs to go on with the balloon. While it is {@linkplain #freeze frozen}, or the guest does not run. */
    public BalloonState state() {
        synchronized (lock) {
            return BalloonState.of(released);
        }
    }

    /** Memory and balloon of the guest, to be looked at; only this balloon changes it. */
    public ReleasedMemory memory() {
        return released;
    }

    /** Pages in the balloon. */
    public long pages() {
        return released.releasedPages();
    }

    /**
     * Follows the balloon from now on.
     *
     * @param begin runs first, while nothing changes
     */
    void watch(Watcher watcher, Runnable begin) {
        synchronized (lock) {
            begin.run();
            watchers.add(watcher);
        }
    }

    /** Whether all of these pages, at least one, lie in regions, that is, can be memory of the guest. */
    boolean hasAddresses(long first, long count) {
        return space.contain(first, count);
    }

    /** Memory that the guest may take into use by deflating: zero pages, in the balloon. */
    HintResult plug(long first, long count) {
        synchronized (lock) {
            if (frozen) {
                return released.refused(Refusal.MOVING);
            }
            if (count < 1 || !space.contain(first, count)) {
                return released.refused(Refusal.OUTSIDE_ADDRESS_SPACE, 0, first, count);
            }
            HintResult result = released.addReleasedMemory(first, count);
            if (result instanceof Accepted) {
                drop(first, count);
            }
            return result;
        }
    }

    /** What was written there while it was no memory is lost. */
    private void drop(long first, long count) {
        RangeBatch range = new RangeBatch().add(first, count);
        try {
            forEachRun(range, memory::drop);
        } catch (RuntimeException e) {
            released.removeMemory(first, count);
            throw e;
        }
        note(range, true);
    }

    /** Takes memory out that is in the balloon, all of it. */
    HintResult unplug(long first, long count) {
        synchronized (lock) {
            return frozen ? released.refused(Refusal.MOVING) : released.removeReleasedMemory(first, count);
        }
    }
}
