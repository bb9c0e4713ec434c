//! Pipelines do not feed each other in a circle (LW0209).
//!
//! A pipeline feeds another when it writes what the other reads, a prefix of it, or something around
//! it. The graph has two nodes for every prefix on the way, one that hands what was written up to the
//! prefixes around it and one that hands it down to those below, so it is linear in the spec however
//! many pipelines meet in one place. A pipeline that reads what it writes itself is no circle: merging
//! into a table does just that.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use crate::diagnostic::{self, Diagnostic, Diagnostics};
use crate::lake::places::{Location, Place};
use crate::lake::{Lake, Pipeline};
use crate::names::Name;
use crate::spec::decode::At;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Way {
    Up,
    Down,
}

/// A pipeline, or a place that data is handed on in.
#[derive(Clone, Copy)]
enum Node<'a> {
    Pipeline(&'a Pipeline),
    Place,
}

type Feeds<'a> = DiGraph<Node<'a>, ()>;

#[derive(Default)]
struct Builder<'a> {
    graph: Feeds<'a>,
    places: HashMap<(&'a Name, &'a str, Way), NodeIndex>,
}

pub(super) fn check(lake: &Lake, found: &mut Diagnostics) {
    let locations = table_locations(lake);
    let mut builder = Builder::default();
    for pipeline in lake.pipelines.values() {
        let node = builder.graph.add_node(Node::Pipeline(pipeline));
        for place in &pipeline.write {
            for location in locations_of(&place.value, &locations) {
                for way in [Way::Up, Way::Down] {
                    let place = builder.place(location, location.prefix.len(), way);
                    builder.graph.add_edge(node, place, ());
                }
            }
        }
        for place in &pipeline.read {
            for location in locations_of(&place.value, &locations) {
                for way in [Way::Up, Way::Down] {
                    let place = builder.place(location, location.prefix.len(), way);
                    builder.graph.add_edge(place, node, ());
                }
            }
        }
    }
    let graph = builder.graph;
    for component in tarjan_scc(&graph) {
        let mut pipelines: Vec<&Pipeline> = component
            .iter()
            .filter_map(|node| match graph[*node] {
                Node::Pipeline(pipeline) => Some(pipeline),
                Node::Place => None,
            })
            .collect();
        if pipelines.len() > 1 {
            pipelines.sort_by(|a, b| a.name.cmp(&b.name));
            report(&circle(&graph, &component, pipelines[0]), &locations, found);
        }
    }
}

impl<'a> Builder<'a> {
    /// The node of the prefix that ends at `end`, linked with those on the way to it.
    fn place(&mut self, location: &'a Location, end: usize, way: Way) -> NodeIndex {
        let key = (&location.bucket, &location.prefix[..end], way);
        if let Some(node) = self.places.get(&key) {
            return *node;
        }
        let node = self.graph.add_node(Node::Place);
        self.places.insert(key, node);
        if end > 0 {
            let outer = location.prefix[..end - 1].rfind('/').map_or(0, |at| at + 1);
            let outer = self.place(location, outer, way);
            match way {
                Way::Up => self.graph.add_edge(node, outer, ()),
                Way::Down => self.graph.add_edge(outer, node, ()),
            };
        }
        node
    }
}

type Tables<'a> = BTreeMap<&'a Name, BTreeMap<&'a Name, &'a Location>>;

fn table_locations(lake: &Lake) -> Tables<'_> {
    let tables = lake.databases.values().map(|database| {
        let tables = database.tables.values().map(|table| (&table.name, &table.location));
        (&database.name, tables.collect())
    });
    tables.collect()
}

fn locations_of<'a>(place: &'a Place, tables: &Tables<'a>) -> Vec<&'a Location> {
    match place {
        Place::Objects(location) => vec![location],
        Place::Database(database) => {
            tables.get(database).map_or(Vec::new(), |tables| tables.values().copied().collect())
        }
        Place::Table { database, table } => {
            tables.get(database).and_then(|tables| tables.get(table)).copied().into_iter().collect()
        }
        Place::Stream(_) => Vec::new(),
    }
}

/// The shortest way from a pipeline through others back to itself. A step of the search is a node and
/// whether another pipeline was met on the way to it: straight back through places alone is the
/// pipeline reading what it wrote.
fn circle<'a>(
    graph: &Feeds<'a>,
    component: &[NodeIndex],
    start: &'a Pipeline,
) -> Vec<&'a Pipeline> {
    let inside: HashSet<NodeIndex> = component.iter().copied().collect();
    let is_start =
        |node: &NodeIndex| matches!(graph[*node], Node::Pipeline(p) if p.name == start.name);
    let start = component.iter().copied().find(is_start);
    let start = start.expect("invariant: the component was made from its pipelines");
    let mut from: HashMap<(NodeIndex, bool), (NodeIndex, bool)> = HashMap::new();
    let mut queue = VecDeque::from([(start, false)]);
    let mut last = (start, false);
    'search: while let Some(step) = queue.pop_front() {
        let mut next: Vec<NodeIndex> = graph.neighbors(step.0).collect();
        next.sort();
        for next in next.into_iter().filter(|next| inside.contains(next)) {
            if next == start {
                if step.1 {
                    last = step;
                    break 'search;
                }
                continue;
            }
            let next = (next, step.1 || matches!(graph[next], Node::Pipeline(_)));
            if let Entry::Vacant(entry) = from.entry(next) {
                entry.insert(step);
                queue.push_back(next);
            }
        }
    }
    let mut way = Vec::new();
    loop {
        if let Node::Pipeline(pipeline) = graph[last.0] {
            way.push(pipeline);
        }
        match from.get(&last) {
            Some(before) => last = *before,
            None => break,
        }
    }
    way.reverse();
    way
}

fn report(circle: &[&Pipeline], tables: &Tables, found: &mut Diagnostics) {
    let Some(first) = circle.first() else { return };
    let names: Vec<String> = circle.iter().map(|pipeline| format!("`{}`", pipeline.name)).collect();
    let headline = match names.len() {
        0..=5 => format!("pipelines feed each other in a circle: {}", names.join(", ")),
        n => format!("{n} pipelines feed each other in a circle: {}, ...", names[..3].join(", ")),
    };
    let mut diagnostic = Diagnostic::error(diagnostic::LW0209, first.span, headline)
        .label(format!("{} feeds itself through the others", names[0]))
        .at(first.path())
        .help("let one of them write to a place that the others do not read");
    for (at, pipeline) in circle.iter().enumerate() {
        let next = circle[(at + 1) % circle.len()];
        if let Some((written, read)) = link(pipeline, next, tables) {
            diagnostic = diagnostic.also(
                written.span,
                format!(
                    "`{}` writes `{}`, and `{}` reads `{}`",
                    pipeline.name, written.value, next.name, read.value
                ),
            );
        }
    }
    found.push(diagnostic);
}

/// What one pipeline writes and the next one reads.
fn link<'a>(
    from: &'a Pipeline,
    to: &'a Pipeline,
    tables: &Tables<'a>,
) -> Option<(&'a At<Place>, &'a At<Place>)> {
    for written in &from.write {
        for read in &to.read {
            let theirs = locations_of(&read.value, tables);
            let meets = locations_of(&written.value, tables)
                .into_iter()
                .any(|ours| theirs.iter().any(|theirs| theirs.overlaps(ours)));
            if meets {
                return Some((written, read));
            }
        }
    }
    None
}
