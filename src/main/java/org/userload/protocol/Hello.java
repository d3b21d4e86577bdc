package org.userload.protocol;

import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.userload.memory.PageSize;
import org.userload.memory.RegionTable;

/**
 * The first frame of a connection; bytes in {@link HelloLayout}.
 *
 * @param version protocol version of the sender
 * @param features feature bits that the sender offers, or that both have
 * @param regions the source's regions; null in the destination's hello
 */
public record Hello(
        int version,
        Role role,
        PageSize pageSize,
        long features,
        SessionId session,
        @Nullable RegionTable regions) {

    /** The version of this implementation. */
    public static final int VERSION = 1;

    /** A destination's hello. */
    public static Hello ask(Role role, SessionId session) {
        return ask(role, session, Feature.ALL);
    }

    /** As {@link #ask(Role, SessionId)}, offering these features. */
    public static Hello ask(Role role, SessionId session, long features) {
        return new Hello(VERSION, role, PageSize.DEFAULT, features, session, null);
    }

    /** A source's answer; {@code features} are those that both sides have. */
    public static Hello answer(Role role, SessionId session, long features, RegionTable regions) {
        return new Hello(VERSION, role, regions.pageSize(), features, session, regions);
    }

    /** As {@link #answer(Role, SessionId, long, RegionTable)}, without features. */
    public static Hello answer(Role role, SessionId session, RegionTable regions) {
        return answer(role, session, 0, regions);
    }

    /** The same with a feature more. */
    public Hello with(Feature feature) {
        return new Hello(version, role, pageSize, features | Feature.bits(feature), session, regions);
    }

    /** Writes the whole frame. */
    public void encode(ByteBuf out) {
        List<RegionTable.Entry> entries = regions == null ? List.of() : regions.entries();
        int length = HelloLayout.FIXED_BYTES + entries.size() * HelloLayout.ENTRY_BYTES;
        Frames.writeHeader(out, FrameType.HELLO, 0, length, 0, 0, 0);
        out.writeLong(HelloLayout.MAGIC);
        out.writeShort(version);
        out.writeByte(role.code());
        out.writeByte(0);
        out.writeInt(pageSize.bytes());
        out.writeLong(features);
        out.writeLong(session.high());
        out.writeLong(session.low());
        out.writeInt(entries.size());
        for (RegionTable.Entry entry : entries) {
            out.writeLong(entry.guestAddress());
            out.writeLong(entry.pageCount());
        }
    }

    /** Reads a body. Wrong magic, version or lengths are a {@link ProtocolException} that says which. */
    public static Hello decode(ByteBuf body) {
        int at = body.readerIndex();
        if (body.readableBytes() < HelloLayout.FIXED_BYTES
                || body.getLong(at + HelloLayout.MAGIC_OFFSET) != HelloLayout.MAGIC) {
            throw new ProtocolException("the peer does not speak the Userload protocol");
        }
        int version = body.getUnsignedShort(at + HelloLayout.VERSION_OFFSET);
        if (version != VERSION) {
            throw new ProtocolException(
                    ErrorCode.VERSION,
                    "the peer speaks version " + version + " of the Userload protocol, this is version " + VERSION
                            + "; use the same release on both sides");
        }
        long count = body.getUnsignedInt(at + HelloLayout.REGION_COUNT_OFFSET);
        if (count > RegionTable.MAX_REGIONS
                || body.readableBytes() != HelloLayout.FIXED_BYTES + count * HelloLayout.ENTRY_BYTES) {
            throw new ProtocolException(
                    "hello with " + count + " regions in a body of " + body.readableBytes() + " bytes");
        }
        try {
            PageSize pageSize = new PageSize(body.getInt(at + HelloLayout.PAGE_SIZE_OFFSET));
            return new Hello(
                    version,
                    Role.ofCode(body.getUnsignedByte(at + HelloLayout.ROLE_OFFSET)),
                    pageSize,
                    body.getLong(at + HelloLayout.FEATURES_OFFSET),
                    new SessionId(
                            body.getLong(at + HelloLayout.SESSION_HIGH_OFFSET),
                            body.getLong(at + HelloLayout.SESSION_LOW_OFFSET)),
                    count == 0
                            ? null
                            : new RegionTable(pageSize, entries(body, at + HelloLayout.FIXED_BYTES, (int) count)));
        } catch (IllegalArgumentException e) {
            throw new ProtocolException("hello with a wrong memory layout: " + e.getMessage());
        }
    }

    private static List<RegionTable.Entry> entries(ByteBuf body, int start, int count) {
        List<RegionTable.Entry> entries = new ArrayList<>(count);
        for (int i = 0; i < count; i++) {
            int at = start + i * HelloLayout.ENTRY_BYTES;
            entries.add(new RegionTable.Entry(
                    body.getLong(at + HelloLayout.ENTRY_ADDRESS_OFFSET),
                    body.getLong(at + HelloLayout.ENTRY_PAGES_OFFSET)));
        }
        return entries;
    }
}
