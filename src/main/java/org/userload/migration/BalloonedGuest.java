package org.userload.migration;

import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.userload.hint.Balloon;
import org.userload.hint.BalloonState;
import org.userload.hint.FreePageReporter;
import org.userload.memory.GuestMemory;
import org.userload.protocol.FrameLayout;

/**
 * A guest with a balloon, which moves along: what the guest has of memory and what of it is in the balloon is host state, so it
 * travels in front of the guest's own CPU state, and both must fit into what a CPU state may have.
 *
 * <p><b>Bytes:</b> length of the balloon's state (u32, network order), the {@linkplain BalloonState state}, the guest's CPU state.
 *
 * <p><b>Threads.</b> As {@link Guest}. <b>Ownership.</b> The guest inside stays the caller's.
 */
public final class BalloonedGuest implements Guest {
    private final Guest guest;
    private final GuestMemory memory;
    private final Consumer<Balloon> arrived;
    private volatile @Nullable Balloon balloon;

    private BalloonedGuest(Guest guest, GuestMemory memory, @Nullable Balloon balloon, Consumer<Balloon> arrived) {
        this.guest = guest;
        this.memory = memory;
        this.balloon = balloon;
        this.arrived = arrived;
    }

    /** A guest that is here. */
    public static BalloonedGuest here(Guest guest, GuestMemory memory, Balloon balloon) {
        return new BalloonedGuest(guest, memory, balloon, moved -> {});
    }

    /**
     * A guest that comes from another host.
     *
     * @param arrived gets its balloon, before its CPU state is restored
     */
    public static BalloonedGuest arriving(Guest guest, GuestMemory memory, Consumer<Balloon> arrived) {
        return new BalloonedGuest(guest, memory, null, arrived);
    }

    /** The guest inside. */
    public Guest guest() {
        return guest;
    }

    @Override
    public void pause() {
        guest.pause();
    }

    /** @throws IllegalStateException when there is no balloon yet, or its state and the CPU state are too long together */
    @Override
    public byte[] saveCpuState() {
        Balloon mine = balloon;
        if (mine == null) {
            throw new IllegalStateException("the guest has not come here, so it cannot leave");
        }
        byte[] lent = mine.state().toBytes();
        byte[] own = guest.saveCpuState();
        long length = (long) Integer.BYTES + lent.length + own.length;
        if (length > FrameLayout.MAX_CONTROL_BODY_BYTES) {
            throw new IllegalStateException("the balloon's state has " + lent.length + " bytes, too many beside "
                    + own.length + " of the guest's own: its " + mine.pages()
                    + " pages lie too scattered; let the guest deflate some");
        }
        return ByteBuffer.allocate((int) length)
                .putInt(lent.length)
                .put(lent)
                .put(own)
                .array();
    }

    @Override
    public void restoreCpuState(byte[] state) {
        ByteBuffer from = ByteBuffer.wrap(state);
        int length = from.remaining() < Integer.BYTES ? -1 : from.getInt();
        if (length < 0 || length > from.remaining()) {
            throw new IllegalArgumentException("no guest with a balloon: its state has " + state.length + " bytes");
        }
        byte[] lent = new byte[length];
        byte[] own = new byte[from.remaining() - length];
        from.get(lent).get(own);
        Balloon moved = Balloon.moved(memory, BalloonState.ofBytes(lent));
        balloon = moved;
        arrived.accept(moved);
        guest.restoreCpuState(own);
    }

    @Override
    public void resume() {
        guest.resume();
    }

    @Override
    public Optional<FreePageReporter> freePageReporter() {
        return guest.freePageReporter();
    }

    /** @throws NullPointerException before the guest has come here */
    @Override
    public Optional<Balloon> balloon() {
        return Optional.of(Objects.requireNonNull(balloon));
    }

    @Override
    public boolean writesThroughGuestMemoryOnly() {
        return guest.writesThroughGuestMemoryOnly();
    }
}
