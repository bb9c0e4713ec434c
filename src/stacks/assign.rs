//! Which resource stands in which stack.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{MOST_BYTES, MOST_REFERENCES, MOST_RESOURCES, StackKey};
use crate::graph::{Graph, Part, Resource, Target, references};
use crate::lake::Lake;
use crate::names::{LogicalId, Region, StackName};

/// Which stack holds which resource now, read from the deployed templates. Empty offline.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Placement(BTreeMap<(Region, LogicalId), StackName>);

impl Placement {
    /// Notes that a stack holds a resource.
    pub fn put(&mut self, stack: &StackKey, id: LogicalId) {
        self.0.insert((stack.region.clone(), id), stack.name.clone());
    }

    /// The stack that holds the resource.
    pub fn get(&self, region: &Region, id: &LogicalId) -> Option<StackKey> {
        let name = self.0.get(&(region.clone(), id.clone()))?;
        Some(StackKey { region: region.clone(), name: name.clone() })
    }

    /// Whether nothing is deployed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The stack of each resource, by its position in the graph.
pub(super) type Assigned = Vec<StackKey>;

/// How full a stack is, and what a resource or a thing takes of one.
#[derive(Default)]
struct Room {
    resources: usize,
    bytes: usize,
    /// What its resources refer to and only CloudFormation knows: a parameter each, unless it stands
    /// in the same stack.
    parameters: HashSet<Target>,
    /// What others ask of its resources in that way: an output each.
    outputs: usize,
}

impl Room {
    fn has_room_for(&self, takes: &Room) -> bool {
        let more = takes.parameters.difference(&self.parameters).count();
        self.resources + takes.resources <= MOST_RESOURCES
            && self.bytes + takes.bytes <= MOST_BYTES
            && self.parameters.len() + more <= MOST_REFERENCES
            && self.outputs + takes.outputs <= MOST_REFERENCES
    }

    fn fill(&mut self, takes: Room) {
        self.resources += takes.resources;
        self.bytes += takes.bytes;
        self.parameters.extend(takes.parameters);
        self.outputs += takes.outputs;
    }
}

/// What only CloudFormation knows of other things, by the resource that refers to it and by the one that has it.
struct Unknown {
    asked: Vec<HashSet<Target>>,
    given: HashMap<LogicalId, HashSet<String>>,
}

impl Unknown {
    fn of(graph: &Graph) -> Self {
        let mut unknown = Unknown { asked: Vec::new(), given: HashMap::new() };
        for resource in graph.resources() {
            let mut asked = HashSet::new();
            for (_, value) in resource.properties.iter() {
                references(value, &mut |target| {
                    let near = graph.get(&target.id).is_some_and(|other| {
                        let known = other.known.iter().any(|(name, _)| *name == target.attribute);
                        // The resources of one thing are made together.
                        known || (other.part == resource.part && other.path == resource.path)
                    });
                    if !near {
                        asked.insert(target);
                    }
                });
            }
            for target in &asked {
                let given = unknown.given.entry(target.id.clone()).or_default();
                given.insert(target.attribute.clone());
            }
            unknown.asked.push(asked);
        }
        unknown
    }

    fn taken(&self, at: usize, resource: &Resource) -> Room {
        Room {
            resources: 1,
            bytes: size(resource),
            parameters: self.asked[at].clone(),
            outputs: self.given.get(&resource.id).map_or(0, HashSet::len),
        }
    }
}

/// Gives every resource its stack: a deployed one its own, a new one that of its thing, or the first
/// of its part with room for all of the thing that is new.
pub(super) fn assign(lake: &Lake, graph: &Graph, placement: &Placement) -> Assigned {
    let resources = graph.resources();
    let mut assigned: Vec<Option<StackKey>> = Vec::with_capacity(resources.len());
    let mut rooms: HashMap<StackKey, Room> = HashMap::new();
    let unknown = Unknown::of(graph);
    for (at, resource) in resources.iter().enumerate() {
        let stack = placement.get(&resource.region, &resource.id);
        if let Some(stack) = &stack {
            rooms.entry(stack.clone()).or_default().fill(unknown.taken(at, resource));
        }
        assigned.push(stack);
    }
    // First stack that may still have room, by part and region: full ones are not asked again.
    let mut first: HashMap<(Part, Region), usize> = HashMap::new();
    for (thing, members) in things(resources) {
        let new: Vec<usize> =
            members.iter().copied().filter(|at| assigned[*at].is_none()).collect();
        if new.is_empty() {
            continue;
        }
        let mut takes = Room::default();
        new.iter().for_each(|at| takes.fill(unknown.taken(*at, &resources[*at])));
        let fits = |room: Option<&Room>| room.is_none_or(|room| room.has_room_for(&takes));
        let home = members.iter().find_map(|at| assigned[*at].clone());
        let stack = match home.filter(|home| fits(rooms.get(home))) {
            Some(home) => home,
            None => {
                let number = first.entry((thing.part, thing.region.clone())).or_insert(1);
                let mut candidate = *number;
                loop {
                    let name = lake.naming.stack(thing.part.as_str(), candidate);
                    let key = StackKey {
                        region: thing.region.clone(),
                        name: StackName::new(&name)
                            .expect("invariant: checked with the names of the lake"),
                    };
                    if fits(rooms.get(&key)) {
                        break key;
                    }
                    let room = &rooms[&key];
                    if room.resources >= MOST_RESOURCES
                        || room.bytes + 2_000 >= MOST_BYTES
                        || room.outputs >= MOST_REFERENCES
                    {
                        *number = (*number).max(candidate + 1);
                    }
                    candidate += 1;
                }
            }
        };
        rooms.entry(stack.clone()).or_default().fill(takes);
        for at in new {
            assigned[at] = Some(stack.clone());
        }
    }
    assigned
        .into_iter()
        .map(|stack| stack.expect("invariant: every resource has a thing"))
        .collect()
}

/// What stays together: the resources of one spec path in one part and region.
#[derive(PartialEq, Eq, Hash, Clone)]
struct Thing<'g> {
    part: Part,
    region: &'g Region,
    path: &'g str,
}

/// The things in the order of their first resource.
fn things(resources: &[Resource]) -> Vec<(Thing<'_>, Vec<usize>)> {
    let mut order: Vec<(Thing, Vec<usize>)> = Vec::new();
    let mut index: HashMap<Thing, usize> = HashMap::new();
    for (at, resource) in resources.iter().enumerate() {
        let thing = Thing { part: resource.part, region: &resource.region, path: &resource.path };
        match index.get(&thing) {
            Some(place) => order[*place].1.push(at),
            None => {
                index.insert(thing.clone(), order.len());
                order.push((thing, vec![at]));
            }
        }
    }
    order
}

/// About the bytes of the resource in an indented template: what is counted is an upper bound for
/// the compact form and close to the indented one.
fn size(resource: &Resource) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    serde_json::to_writer(&mut count, &resource.properties)
        .expect("invariant: counting bytes does not fail");
    // Type, policies, metadata and the logical id.
    count.0 + 300 + resource.path.len() + resource.id.as_str().len()
}
