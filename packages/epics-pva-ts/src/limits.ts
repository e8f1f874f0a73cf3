/**
 * Every length, depth, count and timer that a peer nobody trusts can drive, in one place. A leaf file: anything may
 * import it, it imports nothing.
 *
 * docs/reference/limits.md says for each what happens when it is exceeded and how to change it; a test compares that
 * page with this file, and another one sees to it that no limit hides elsewhere. Names end in their unit: `_BYTES`,
 * `_MS`, `_SECONDS`; all others are counts.
 */

// Messages and the memory they are received in (wire/, frame/).

/** Largest message of a validated peer, its segments together. */
export const MAX_MESSAGE_BYTES: number = 256 * 1024 * 1024;
/** Largest message of a peer that is not validated yet, and largest AUTHNZ of any. */
export const MAX_HANDSHAKE_MESSAGE_BYTES: number = 64 * 1024;
/**
 * Memory made for a message on the word of its header alone; beyond it memory grows with what has arrived. An image of
 * 16 MiB (4096 x 4096) fits with what is around it.
 */
export const RECEIVE_RESERVE_BYTES: number = (16 * 1024 + 64) * 1024;
/** Released receive memory that is kept for the next messages, in each of the process's two pools. */
export const POOL_IDLE_BYTES: number = 128 * 1024 * 1024;
/** Longest BitSet: changed and overrun masks of updates. */
export const MAX_BIT_SET_BYTES: number = 128 * 1024;

/** Payload of one segment sent: more cannot be announced in a header that every peer reads. */
export const MAX_SEGMENT_BYTES = 0x7fff_ffff;
/** Largest array sent or received; decision 0012. */
export const MAX_ARRAY_BYTES = 0x7fff_ffff;

// Types and values (value/).

/** Levels of structures within a type. */
export const MAX_TYPE_DEPTH = 20;
/** Fields in one type, counted through references to cached types. */
export const MAX_TYPE_FIELDS = 100_000;
/** Longest name of a field, and longest type id. */
export const MAX_FIELD_NAME_BYTES = 4096;
/** Types a connection's cache holds: ids are 16-bit. */
export const MAX_CACHED_TYPES = 65_536;
/** Fields of all types in a connection's cache together. */
export const MAX_CACHED_FIELDS = 250_000;
/** Bytes of the descriptions of all types in a connection's cache together. */
export const MAX_CACHED_TYPE_BYTES: number = 32 * 1024 * 1024;
/** Types a connection finds again by the bytes of their description. */
export const MAX_RECENT_TYPES = 8;
/** Longest description found again so, and longest one that is kept as it is sent. */
export const MAX_RECENT_TYPE_BYTES = 4096;
/** Length of a fixed array, which is made whole even when it does not come. */
export const MAX_FIXED_ARRAY = 1_000_000;
/** Definitions of one type in a row, `FD id FD id ...`. */
export const MAX_TYPE_DEFINITIONS = 8;
/** Levels of structures inside arrays, unions and any within a value. */
export const MAX_VALUE_DEPTH = 20;
/** Fields of one message beyond four for each of its bytes. */
export const MAX_FIELDS_BEYOND_BYTES = 100_000;
/** Heap, roughly, for the booleans in arrays, strings, structures, unions and any of one message; arrays of numbers are not counted. */
export const MAX_MESSAGE_HEAP_BYTES: number = 512 * 1024 * 1024;
/** Paths of fields a type remembers. */
export const MAX_REMEMBERED_PATHS = 1000;

/** Largest image decompressed, by the size its structure announces. */
export const MAX_IMAGE_BYTES: number = 1024 * 1024 * 1024;

// Names, searches and beacons (message/, connection/).

/** Longest channel name. */
export const MAX_NAME_BYTES = 500;
/** Transport protocols in one SEARCH. */
export const MAX_SEARCH_PROTOCOLS = 255;
/** Largest datagram sent, replies included. */
export const MAX_DATAGRAM_BYTES = 1400;
/** Servers remembered from their beacons. */
export const MAX_BEACON_SERVERS = 20_000;
/** After so long without a beacon a server is forgotten. */
export const BEACON_LOST_AFTER_MS = 360_000;
/** Between two searches for few names that beacons cause. */
export const SEARCH_BOOST_FEW_MS = 1000;
/** Between two faster turns of the search ring that beacons cause. */
export const SEARCH_BOOST_MS = 30_000;

// Connections (connection/, socket/).

/** A client's connection attempt ends after this time. */
export const TCP_CONNECT_MS = 10_000;
/** A server disconnects who has not validated by then. */
export const HANDSHAKE_MS = 10_000;
/** Silence after which a connection is closed. */
export const TCP_TIMEOUT_SECONDS = 40;
/** Longest interval between a client's ECHOs. */
export const ECHO_SECONDS = 15;
/** One tick counts for no more silence than this: a process that was blocked has not listened. */
export const MAX_TICK_MS = 1000;
/** A server that owes its client more than this reads no further requests of it; a client widens no pipeline's window. */
export const MAX_UNSENT_BYTES: number = 16 * 1024 * 1024;
/** Requests of one connection that PVs have not answered yet; with so many, no further ones are read. */
export const MAX_REQUESTS_UNDER_WAY = 1000;
/** Bytes of these requests together. */
export const MAX_UNDER_WAY_BYTES: number = 256 * 1024 * 1024;
/** A closed connection's last bytes may take this long to leave. */
export const CLOSE_LINGER_MS = 250;

// What one client may have on a server (server/).

/** Channels of one connection. */
export const MAX_CHANNELS = 20_000;
/** Operations of one connection. */
export const MAX_OPERATIONS = 100_000;
/** Monitors of one connection, which are operations too. */
export const MAX_MONITORS = 100_000;
/** Bytes of the INITs of a connection's operations together: a pvRequest lives as long as its operation. */
export const MAX_REQUEST_BYTES: number = 16 * 1024 * 1024;
/** GET_FIELDs of one connection that wait for a PV to open. */
export const MAX_WAITING_GET_FIELDS = 100_000;
/** Longest name of a field that GET_FIELD asks for, dots included. */
export const MAX_FIELD_PATH_BYTES = 4096;
/** Bytes of the names that the waiting GET_FIELDs of a connection ask for, together. */
export const MAX_WAITING_NAME_BYTES: number = 16 * 1024 * 1024;
/** Types of ended operations kept for messages still in flight, on either side. */
export const MAX_RETIRED_OPERATIONS = 1000;
/** Queue of a monitor whose client asks for none. */
export const DEFAULT_QUEUE_SIZE = 4;
/** Shortest queue of a monitor. */
export const MIN_QUEUE_SIZE = 2;
/** Longest queue a client may ask for. */
export const MAX_QUEUE_SIZE = 100_000;
/** Arrays in one monitor's queue together, beyond its first few updates. */
export const MAX_QUEUE_BYTES: number = 1024 * 1024 * 1024;
/** Updates in the queues of all monitors of one connection, above which none takes more than its first few. */
export const MAX_QUEUED_UPDATES = 1_000_000;
/** Arrays in these queues together, beyond the first few updates of each. */
export const MAX_QUEUED_BYTES: number = 1024 * 1024 * 1024;
/** Unsent bytes of a connection above which its monitors wait and their queues fill. */
export const MONITOR_HIGH_WATER_BYTES: number = 4 * 1024 * 1024;

// What a server can make a client wait for (client/).

/** A request's time limit unless the caller gives one. */
export const REQUEST_TIMEOUT_SECONDS = 5;
/** Requests of one ChannelPut or ChannelRPC that wait until those before them are answered. */
export const MAX_WAITING_REQUESTS = 1000;
/** A server that claims a name must create its channel within this time. */
export const CREATE_CHANNEL_MS = 10_000;
/** Longest interval between attempts to reach a name server. */
export const NAME_SERVER_RETRY_MS = 10_000;
/** A name server that has not taken more than this is not asked for the time being. */
export const NAME_SERVER_UNSENT_BYTES: number = 64 * 1024;
/** Channels and connections nobody uses are closed after two to three of these. */
export const COLLECT_MS = 10_000;
